-- Prolong a lease that is still ours. A lapsed one is lost, even if nobody took it.
-- KEYS 1 lease   ARGV 1 token  2 owner  3 seconds (0: only ask)
-- Answers the new end, or "" when it is not ours.
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'token', 'owner', 'until')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= at then return '' end
if tonumber(ARGV[3]) == 0 then return held[3] end
local till = string.format('%.6f', at + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'until', till)
return till
