-- Move a projection's cursor, if the projection's lease is still the caller's.
-- KEYS 1 cursor  2 lease   ARGV 1 token  2 owner  3 version  4 note (JSON)
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local held = redis.call('HMGET', KEYS[2], 'token', 'owner', 'until')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= at then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'note', ARGV[4])
return 1
