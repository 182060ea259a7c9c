-- Give a lease back if it is ours. The fence stays: it only ever grows.
-- KEYS 1 lease   ARGV 1 token  2 owner
local held = redis.call('HMGET', KEYS[1], 'token', 'owner')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'token', '', 'owner', '', 'until', '0')
return 1
