"""The document as code: facts in, decisions out; no input, no output, no clock."""
