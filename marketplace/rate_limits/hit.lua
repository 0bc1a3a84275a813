-- Counts one act in several windows, or in none of them when one is used up.
--
-- ARGV: 1 to count or 0 to look, then for each window its kind, limit and seconds.
-- KEYS: one of a moving window (a list of instants, newest first), two of a counter (before, now):
-- both laid out as the storage of `limits` lays them out, so that its readings agree with these.
-- The time is the server's own, so that processes on hosts with other clocks count alike.
--
-- Returns {1, window, acts left, milliseconds until one more is free} for the tightest window, or
-- {0, window, 0, milliseconds to wait} for the one that is used up the longest. Windows from 1.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local is_counted = ARGV[1] == '1'

local function moving(key, limit, seconds)
    local oldest = redis.call('lindex', key, -1)
    while oldest and tonumber(oldest) <= now - seconds do
        redis.call('rpop', key)
        oldest = redis.call('lindex', key, -1)
    end
    local count = redis.call('llen', key)
    local frees = oldest
    if count >= limit then
        frees = redis.call('lindex', key, limit - 1)
    end
    local wait = frees and (tonumber(frees) + seconds - now) * 1000 or 0
    return limit - count, wait
end

local function counter(before_key, now_key, limit, seconds)
    local expiry = seconds * 1000
    local now_ttl = redis.call('pttl', now_key)
    if now_ttl > 0 and now_ttl < expiry then
        redis.call('rename', now_key, before_key)
        redis.call('set', now_key, 0, 'PX', now_ttl + expiry)
    end
    local before = tonumber(redis.call('get', before_key)) or 0
    local current = tonumber(redis.call('get', now_key)) or 0
    local before_ttl = math.max(redis.call('pttl', before_key), 0)
    now_ttl = math.max(redis.call('pttl', now_key), 0)
    local weighted = math.floor(before * before_ttl / expiry)
    local left = limit - weighted - current
    local aim = left > 0 and weighted + current or limit
    local wait = 0
    if aim > current and before > 0 then
        wait = before_ttl - (aim - current) * expiry / before
    elseif current > 0 then
        wait = now_ttl - expiry + expiry * (1 - (aim - 1) / current)
    end
    return left, math.max(wait, 0)
end

local windows = {}
local place, worst = 1, nil
for index = 1, (#ARGV - 1) / 3 do
    local kind, limit, seconds = ARGV[3 * index - 1], tonumber(ARGV[3 * index]), tonumber(ARGV[3 * index + 1])
    local window = {kind = kind, seconds = seconds, index = index, limit = limit, key = KEYS[place]}
    if kind == 'moving' then
        window.left, window.wait = moving(KEYS[place], limit, seconds)
        place = place + 1
    else
        window.key = KEYS[place + 1]
        window.left, window.wait = counter(KEYS[place], KEYS[place + 1], limit, seconds)
        place = place + 2
    end
    if window.left <= 0 and (not worst or window.wait > worst.wait) then
        worst = window
    end
    windows[index] = window
end
if worst then
    return {0, worst.index, 0, math.ceil(worst.wait)}
end

local tightest
for _, window in ipairs(windows) do
    if is_counted then
        window.left = window.left - 1
        if window.kind == 'moving' then
            redis.call('lpush', window.key, string.format('%.6f', now))
            redis.call('expire', window.key, window.seconds)
        elseif redis.call('exists', window.key) == 1 then
            redis.call('incr', window.key)
        else
            redis.call('set', window.key, 1, 'PX', window.seconds * 2000)
        end
        if window.wait == 0 then
            window.wait = window.seconds * 1000
        end
    end
    if not tightest or window.left < tightest.left then
        tightest = window
    end
end
return {1, tightest.index, tightest.left, math.ceil(tightest.wait)}
