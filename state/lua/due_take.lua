-- Who is to be looked at now; each one's time moves on in the same call, so that several sweepers share the work.
-- KEYS 1 due   ARGV 1 limit  2 seconds until it is due again
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', at), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], string.format('%.6f', at + tonumber(ARGV[2])), id) end
return ids
