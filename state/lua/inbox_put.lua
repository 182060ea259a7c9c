-- Put a Slack event down before its ack, once: Slack sends again what it believes lost.
-- KEYS 1 inbox  2 seen   ARGV 1 event id  2 body (JSON)  3 seconds to remember
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then return 0 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], string.format('{"at":%d.%06d,"body":%s}', now[1], now[2], ARGV[2]))
return 1
