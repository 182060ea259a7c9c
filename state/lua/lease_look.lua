-- Who holds a lease now. Reads only.
-- KEYS 1 lease   Answers {fence, until, token, owner}, the last two empty when nobody does.
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'fence', 'until', 'token', 'owner')
if not held[3] or held[3] == '' or tonumber(held[2]) <= at then return {held[1] or '0', '0', '', ''} end
return held
