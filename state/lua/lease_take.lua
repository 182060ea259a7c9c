-- Take a lease that is free, over, or held by the token the caller saw a dead process hold.
-- KEYS 1 lease   ARGV 1 token  2 owner  3 seconds  4 token of a process that is gone, or ""
-- Answers {"1", fence, until} taken, {"0", fence, until, token, owner} held by that one.
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'token', 'owner', 'until', 'fence')
-- The stale token is compared here: between the look at the process and now somebody else may have taken it.
if held[1] and held[1] ~= '' and tonumber(held[3]) > at and (ARGV[4] == '' or held[1] ~= ARGV[4]) then
  return {'0', held[4], held[3], held[1], held[2]}
end
local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
local till = string.format('%.6f', at + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'owner', ARGV[2], 'until', till)
return {'1', tostring(fence), till}
