-- The one way campaign state changes: append events, and everything that follows from them, or refuse.
-- KEYS  1 campaign hash   2 event stream      3 lease        4 index: all       5 index: old state
--       6 index: new state 7 index: cluster   8 due          9 locks           10 gate messages
--      11 threads         12 inbox           13 cluster's campaign number      14 made (by this operation id)
-- ARGV  1 operation id    2 campaign          3 expected version, 0 = create   4 lease token or ""
--       5 lease owner     6 previous hash     7 new head     8 snapshot        9 state
--      10 "1" while the campaign is not over  11 more (JSON: take[], release, gate, thread, inbox, number, header,
--      ops_kept, made_s)  12.. event lines
-- Answers {"DUP", version, token, campaign} {"CONFLICT", version} {"FENCED"} {"CHAIN", head} {"LOCKED", lock, holder}
--         {"OK", version, token}. A refusal writes nothing, except that DUP takes the event out of the inbox:
--         the resend may be the one that knows the entry.
local op, id, expected = ARGV[1], ARGV[2], tonumber(ARGV[3])
local more = cjson.decode(ARGV[11])
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local stamp = string.format('%d.%06d', now[1], now[2])

-- DUP first: a resend of something that happened must never be told that it came too late.
if expected == 0 then
  local made = redis.call('GET', KEYS[14])
  if made then
    if more.inbox then redis.call('HDEL', KEYS[12], more.inbox) end
    return {'DUP', '0', '', made}
  end
end
local ver = tonumber(redis.call('HGET', KEYS[1], 'ver') or '0')
local ops = cjson.decode(redis.call('HGET', KEYS[1], 'ops') or '[]')
local token = redis.call('HGET', KEYS[3], 'token') or ''
for _, known in ipairs(ops) do
  if known == op then
    if more.inbox then redis.call('HDEL', KEYS[12], more.inbox) end
    return {'DUP', tostring(ver), token, id}
  end
end
if ver ~= expected then return {'CONFLICT', tostring(ver)} end
if expected == 0 and tonumber(redis.call('GET', KEYS[13]) or '0') ~= tonumber(more.number) - 1 then
  return {'CONFLICT', '0'}  -- somebody minted this number; nobody may use it twice
end
if ARGV[4] ~= '' then
  local lease = redis.call('HMGET', KEYS[3], 'owner', 'until')
  -- A lapsed lease is no lease, even while nobody took it: its holder was asleep.
  if token ~= ARGV[4] or lease[1] ~= ARGV[5] or tonumber(lease[2] or '0') <= at then return {'FENCED'} end
end
if expected > 0 then
  local head = redis.call('HGET', KEYS[1], 'head') or ''
  if head ~= ARGV[6] then return {'CHAIN', head} end
end
-- All locks or none.
for _, name in ipairs(more.take) do
  local holder = redis.call('HGET', KEYS[9], name)
  if holder and holder ~= id then return {'LOCKED', name, holder} end
end

for i = 12, #ARGV do
  -- The version is the entry's id: the server itself refuses a second entry of one version.
  redis.call('XADD', KEYS[2], (expected + i - 11) .. '-0', 'line', ARGV[i])
end
local new = expected + #ARGV - 11
table.insert(ops, op)
while #ops > more.ops_kept do table.remove(ops, 1) end
redis.call('HSET', KEYS[1], 'ver', tostring(new), 'state', ARGV[9], 'head', ARGV[7], 'snap', ARGV[8],
  'ops', cjson.encode(ops))
if expected == 0 then
  redis.call('HSET', KEYS[1], 'header', more.header)
  redis.call('SET', KEYS[13], more.number)
  redis.call('SET', KEYS[14], id, 'EX', more.made_s)
end
redis.call('ZADD', KEYS[4], stamp, id)
redis.call('ZREM', KEYS[5], id)
redis.call('ZADD', KEYS[6], stamp, id)
redis.call('ZADD', KEYS[7], stamp, id)
if ARGV[10] == '1' then redis.call('ZADD', KEYS[8], stamp, id) else redis.call('ZREM', KEYS[8], id) end
for _, name in ipairs(more.take) do redis.call('HSET', KEYS[9], name, id) end
if more.release then
  local held = redis.call('HGETALL', KEYS[9])
  for i = 1, #held, 2 do
    if held[i + 1] == id then redis.call('HDEL', KEYS[9], held[i]) end
  end
end
if more.gate then redis.call('HSET', KEYS[10], more.gate[1], more.gate[2]) end
if more.thread then redis.call('HSET', KEYS[11], more.thread, id) end
if more.inbox then redis.call('HDEL', KEYS[12], more.inbox) end
return {'OK', tostring(new), token}
