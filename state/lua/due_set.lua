-- Set when a campaign is due, if it is still at the version the caller decided on: a later event made it due already.
-- KEYS 1 campaign hash  2 due   ARGV 1 campaign  2 version  3 server seconds
if redis.call('HGET', KEYS[1], 'ver') ~= ARGV[2] or not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
