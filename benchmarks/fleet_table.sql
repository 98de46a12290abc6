-- A fleet of AI agents on workstations, written by arithmetic alone: every row follows from (seed, day, number of the
-- row in its day), so that rows stream out in the order of time whatever their number. `fleet_table.py` sets the
-- variables. hash() is DuckDB's own: the same seed gives the same fleet under the same version of DuckDB.
--
-- A row's slot says which agent it is of (slot NULL: some other program of a host). An agent's steps of a day are its
-- own start, then cycles of sixteen: a child starts, a grandchild starts, in every fourth cycle a great-grandchild;
-- acts of all that are alive; and they end, the youngest first. The last step is the agent's own end.

CREATE MACRO word(n) AS [
    'harbor', 'lantern', 'meadow', 'copper', 'willow', 'quartz', 'ember', 'saddle', 'timber', 'velvet', 'walnut',
    'anchor', 'basalt', 'cedar', 'dahlia', 'falcon', 'garnet', 'hazel', 'indigo', 'juniper', 'kestrel', 'linden',
    'maple', 'nutmeg', 'orchid', 'pebble', 'quiver', 'raven', 'sorrel', 'thistle', 'umber', 'violet', 'wren', 'yarrow',
    'zephyr', 'acorn', 'birch', 'clover', 'dapple', 'elder', 'fennel', 'ginger', 'heron', 'iris', 'jasper', 'kelp',
    'laurel', 'myrtle', 'nettle', 'osprey', 'poplar', 'quince', 'rowan', 'sable', 'tansy', 'urchin', 'vesper',
    'wicker', 'xenia', 'yew', 'zinnia', 'alder', 'briar', 'comet'
][1 + (n % 64)::INTEGER];

CREATE MACRO hex16(h) AS lpad(lower(to_hex(h)), 16, '0');

-- The share of [0, n) that a hash falls on, the first ones more often.
CREATE MACRO skewed(h, n) AS (n * pow((h >> 32)::DOUBLE / 4294967296, 2))::BIGINT % n;

CREATE TABLE programs AS FROM (VALUES
    (0, '/usr/local/bin/claude', 'claude --continue'),
    (1, '/usr/local/bin/codex', 'codex exec --full-auto'),
    (2, '/usr/local/bin/gemini', 'gemini --yolo'),
    (3, '/usr/local/bin/opencode', 'opencode serve'),
    (4, '/home/dev/.local/bin/aider', 'aider --yes-always'),
    (50, '/bin/bash', '-bash'),
    (60, '/usr/sbin/cron', '/usr/sbin/cron -f'),
    (61, '/usr/sbin/sshd', 'sshd: listener'),
    (62, '/usr/bin/firefox', '/usr/bin/firefox'),
    (63, '/usr/lib/systemd/systemd-journald', '/usr/lib/systemd/systemd-journald'),
    (100, '/bin/bash', 'bash -lc ''cd /srv/{w} && git status --short --branch -n {n}'''),
    (101, '/bin/bash', 'bash -c ''make -C /srv/{w} test JOBS={n}'''),
    (102, '/bin/bash', '/bin/bash -c -l ''npm run build:{w} -- --shard={n}'''),
    (103, '/bin/sh', 'sh -c ''rg --json --max-count {n} "import {w}" /srv'''),
    (104, '/usr/bin/zsh', 'zsh -c ''find /srv/{w} -name "*.py" -newer /srv/mark-{n}'''),
    (105, '/bin/bash', 'bash -lc ''docker compose -p {w}-{n} ps --format json'''),
    (106, '/bin/bash', 'bash -c ''sed -n "{n},+40p" /srv/{w}/main.py'''),
    (107, '/bin/sh', 'sh -c ''cargo test --package {w} -- --test-threads={n}'''),
    (200, '/usr/bin/git', 'git -C /srv/{w} log --oneline --max-count={n} --no-color'),
    (201, '/usr/bin/node', 'node /srv/{w}/node_modules/.bin/tsc --build --incremental -p {n}'),
    (202, '/usr/bin/python3', 'python3 -m pytest /srv/{w}/tests -q --maxfail={n} -p no:cacheprovider'),
    (203, '/usr/bin/rg', 'rg --json --context {n} {w}_total /srv/{w}/src'),
    (204, '/usr/bin/make', 'make -C /srv/{w} -j {n} lint'),
    (205, '/usr/bin/docker', 'docker run --rm -v /srv/{w}:/src --name {w}-{n} builder:stable'),
    (206, '/usr/bin/sed', 'sed -i -e "{n} s/{w}/{w}s/" /srv/{w}/settings.ini'),
    (207, '/usr/bin/cargo', 'cargo build --release --manifest-path /srv/{w}/Cargo.toml --jobs {n}'),
    (300, '/usr/bin/ssh', 'ssh -o SendEnv=GIT_PROTOCOL git@git.{w}.net git-upload-pack {w}-{n}.git'),
    (301, '/usr/lib/esbuild/esbuild', 'esbuild --service={n} --ping --bundle {w}.ts'),
    (302, '/usr/bin/gcc', 'gcc -O2 -c {w}.c -o build/{w}-{n}.o'),
    (303, '/usr/bin/tar', 'tar --extract --file /srv/cache/{w}-{n}.tar.zst'),
) AS programs(code, image, line);

-- Which agent a row is of, in the order of its number modulo the number of slots: agents of weight 1 to 3, and one slot
-- in ten for other programs.
CREATE TABLE slots AS
WITH held AS (
    SELECT agent, 1 + (hash(getvariable('seed'), agent) % 3)::BIGINT AS weight
    FROM range(getvariable('agents')) AS agents(agent)
), laid AS (
    SELECT agent, weight, unnest(range(weight)) AS turn FROM held
    UNION ALL
    SELECT NULL, 1, turn FROM range((SELECT 1 + sum(weight)::BIGINT // 9 FROM held)) AS others(turn)
)
SELECT row_number() OVER (ORDER BY hash(getvariable('seed'), agent, turn), agent, turn) - 1 AS slot, agent, weight, turn
FROM laid;

SET VARIABLE slots = (SELECT count(*) FROM slots);
SET VARIABLE other_slot = (SELECT min(slot) FROM slots WHERE agent IS NULL);
-- One physical row in `period + 1` repeats the row before it; the period shares no factor with the slots, so that it
-- is not always the same agent's row that is told twice.
SET VARIABLE period = (
    SELECT coalesce(min(n), 0) FROM range(getvariable('least_period'), getvariable('least_period') + 64) AS t(n)
    WHERE getvariable('least_period') > 0 AND gcd(n, getvariable('slots')) = 1
);
SET VARIABLE own_rows = getvariable('day_rows')
    - CASE WHEN getvariable('period') > 0 THEN getvariable('day_rows') // (getvariable('period') + 1) ELSE 0 END;
SET VARIABLE rounds = getvariable('own_rows') // getvariable('slots');

-- How many values an agent shows: as many as it can show on most days, given how much it does.
SET VARIABLE steps = 2 * getvariable('rounds');
CREATE MACRO within(least, share, most) AS greatest(least, least(most, (getvariable('steps') * share)::BIGINT));
SET VARIABLE places = within(4, 0.02, 24);
SET VARIABLE libraries = within(4, 0.03, 40);
SET VARIABLE files = within(8, 0.06, 200);
SET VARIABLE commands = within(2, 0.008, 8);
SET VARIABLE themes = within(1, 0.008, 8);
-- Twenty programs beneath agents, each spelt with a word and a number.
SET VARIABLE numbers = greatest(
    1, getvariable('lines') // (20 * least(64, 5 * getvariable('agents') + getvariable('themes')))
);

-- What is planted: day, agent and step of an act that becomes something the agent never did.
CREATE TABLE planted AS
WITH drifts AS (FROM (VALUES
    (0, 'flow_and_module', 'flow', 9, 0), (0, 'flow_and_module', 'module', 9, 1), (1, 'new_child', 'child', 8, 0),
    (2, 'new_path', 'path', 10, 0), (3, 'new_user', 'user', 11, 0), (4, 'excess_transfer', 'transfer', 12, 0),
) AS drifts(number, story, drift, day, later)), agents AS (
    SELECT agent, weight, getvariable('rounds') * weight AS steps,
           row_number() OVER (ORDER BY hash(getvariable('seed'), agent, 'drift')) - 1 AS number
    FROM (SELECT DISTINCT agent, weight FROM slots WHERE agent IS NOT NULL)
    WHERE getvariable('rounds') * weight >= 48
)
SELECT day, agent, 1 + 16 * (steps // 32) + 5 + later AS step, drift, story,
       (step // weight) * getvariable('slots') + slot AS number
FROM drifts JOIN agents USING (number) JOIN slots USING (agent, weight)
WHERE slots.turn = (1 + 16 * (steps // 32) + 5 + later) % weight;

CREATE MACRO steps_of(first_day, days) AS TABLE
SELECT first_day + p // getvariable('day_rows') AS day,
       p % getvariable('day_rows') AS q,
       CASE WHEN getvariable('period') > 0 THEN q - (q + 1) // (getvariable('period') + 1) ELSE q END AS number
FROM range(days * getvariable('day_rows')) AS t(p);

CREATE VIEW learn_steps AS FROM steps_of(0, getvariable('days') // 2);
CREATE VIEW judge_steps AS FROM steps_of(getvariable('days') // 2, getvariable('days') - getvariable('days') // 2);

CREATE MACRO instance(agent, day, cycle, level) AS
    hash(getvariable('seed'), agent, day, CASE WHEN level > 0 THEN cycle ELSE -1 END, level);

-- Which program an instance runs; a level has half as many as the one above it.
CREATE MACRO program(agent, level, h) AS CASE
    WHEN level = 0 THEN agent % 5
    WHEN level = 3 THEN 300 + (agent + (h >> 8) % greatest(1, getvariable('commands') // 4)) % 4
    ELSE 100 * level + (agent * 3 + (h >> 8) % greatest(1, getvariable('commands') // level)) % 8
END;

CREATE MACRO spelt(line, agent, h) AS replace(
    replace(line, '{w}', word(agent * 5 + (h >> 16) % getvariable('themes'))),
    '{n}',
    CASE
        WHEN getvariable('all_differ') THEN lower(to_hex(h >> 12))
        ELSE ((h >> 24) % getvariable('numbers'))::VARCHAR
    END
);

CREATE MACRO events_of(source) AS TABLE
WITH placed AS (
    SELECT day, number, s.agent, s.weight,
           number // getvariable('slots') * s.weight + s.turn AS step,
           getvariable('rounds') * s.weight - 1 AS last,
           hash(getvariable('seed'), day, number) AS h,
           -- Sparse at midnight, dense at noon.
           (number + 0.5) / getvariable('own_rows') AS share,
           getvariable('began') + day * 86400000000
               + (86400000000 * (share + 0.85 / (2 * pi()) * sin(2 * pi() * share)))::BIGINT AS micros
    FROM query_table(source)
    JOIN slots AS s ON s.slot = CASE
        WHEN number // getvariable('slots') < getvariable('rounds') THEN number % getvariable('slots')
        ELSE getvariable('other_slot')
    END
), cycled AS (
    SELECT p.*, drift, (step - 1) // 16 AS cycle, (step - 1) % 16 AS place,
           hash(getvariable('seed'), p.agent, p.day, cycle) % 4 = 0 AS deep,
           agent IS NULL AS other, (p.h % 100)::INTEGER AS lot, hash(p.h, 1) AS h1, hash(p.h, 2) AS h2
    FROM placed AS p LEFT JOIN planted USING (day, agent, step)
), staged AS (
    SELECT *,
        CASE
            WHEN other THEN 'act'
            WHEN drift = 'child' OR step = 0 THEN 'start'
            WHEN drift IS NOT NULL THEN 'act'
            WHEN step = last THEN 'end'
            WHEN place < 2 OR (place = 2 AND deep) THEN 'start'
            WHEN place > 13 OR (place = 13 AND deep) THEN 'end'
            ELSE 'act'
        END AS stage,
        CASE
            WHEN drift = 'child' THEN 1
            WHEN drift IS NOT NULL OR step = 0 OR step = last THEN 0
            WHEN place < 2 OR (place = 2 AND deep) THEN place + 1
            WHEN place > 13 OR (place = 13 AND deep) THEN 16 - place
            ELSE (h1 >> 5) % CASE WHEN deep THEN 4 ELSE 3 END
        END::BIGINT AS level,
        CASE WHEN other THEN (h1 % getvariable('hosts'))::BIGINT ELSE agent // 5 END AS host_number
    FROM cycled
), acted AS (
    SELECT *,
        CASE
            WHEN stage = 'start' THEN 'process_started'
            WHEN stage = 'end' THEN 'process_ended'
            WHEN drift IN ('flow', 'transfer') OR (drift IS NULL AND lot < 36) THEN 'connection_opened'
            WHEN drift IS NULL AND lot < 48 THEN 'name_resolved'
            WHEN drift = 'module' OR (drift IS NULL AND lot < 63) THEN 'module_loaded'
            ELSE 'file_touched'
        END AS kind,
        CASE
            WHEN other THEN hash(getvariable('seed'), host_number, 60 + h2 % 4)
            WHEN drift = 'child' THEN hash(h, 3)
            ELSE instance(agent, day, cycle, level)
        END AS own,
        CASE
            WHEN stage <> 'start' THEN NULL
            WHEN level = 0 THEN hash(getvariable('seed'), host_number, 'shell')
            ELSE instance(agent, day, cycle, level - 1)
        END AS above,
        CASE WHEN other THEN (60 + h2 % 4)::BIGINT ELSE program(agent, level, own) END AS code,
        CASE
            WHEN stage <> 'start' THEN NULL WHEN level = 0 THEN 50 ELSE program(agent, level - 1, above)
        END::BIGINT AS code_above,
        coalesce(agent, host_number) AS taste,
        -- About one act in 20,000 shows something that never comes again.
        (h1 >> 16) % 20000 = 0 AND NOT other AS rare
    FROM staged
), aimed AS (
    SELECT *,
        kind IN ('connection_opened', 'name_resolved') AS flows,
        flows AND level = 0 AND NOT other AND drift IS NULL AND h2 % 2 = 0 AS asks_model,
        flows AND kind = 'connection_opened' AND drift IS NULL AND NOT asks_model AND (h2 >> 4) % 10 = 0 AS is_bare,
        (taste * 17 + skewed(h2, getvariable('places'))) % 256 AS place_number,
        (taste * 11 + skewed(h2, getvariable('libraries'))) % 256 AS library,
        skewed(h2, getvariable('files')) AS file
    FROM acted
), named AS (
    SELECT *,
        CASE
            WHEN NOT flows THEN NULL
            WHEN drift = 'flow' THEN 'drop.' || word(agent) || '-share.net'
            WHEN asks_model THEN [
                'api.anthropic.com', 'api.openai.com', 'generativelanguage.googleapis.com', 'openrouter.ai',
                'api.deepseek.com'
            ][1 + (agent % 5)::INTEGER]
            WHEN is_bare THEN format('198.18.{}.{}', (taste * 3 + h2 % 3) % 256, 1 + (h2 >> 8) % 8)
            WHEN rare THEN format('{}-{}.net', word(h2), translate(hex16(h2)[:8], '0123456789', 'ghijklmnop'))
            ELSE format(
                '{}.{}.{}', ['api', 'cdn', 'www', 'git'][1 + (place_number // 64)::INTEGER], word(place_number),
                ['com', 'io', 'net'][1 + (place_number % 64 % 3)::INTEGER]
            )
        END AS spoken_to,
        CASE WHEN flows THEN format('198.19.{}.{}', place_number, 1 + (h1 >> 8) % 4) END AS spoken_at
    FROM aimed
)
SELECT
    kind,
    make_timestamp(micros)::TIMESTAMPTZ AS time,
    hex16(h) || '-' || lower(to_hex(number)) AS id,
    format('ws-{:04d}', host_number) AS host,
    CASE WHEN other THEN 'root' WHEN drift = 'user' THEN 'svc-backup' ELSE 'dev' || agent END AS user,
    CASE WHEN drift = 'child' THEN '/usr/bin/nmap' ELSE mine.image END AS process_image,
    (1000 + own % 30000)::BIGINT AS process_pid,
    hex16(own) AS process_uid,
    CASE WHEN stage = 'start' THEN make_timestamp(micros)::TIMESTAMPTZ END AS process_started,
    CASE
        WHEN stage <> 'start' THEN NULL
        WHEN drift = 'child' THEN 'nmap -sS -p 22,445 10.20.0.0/16'
        ELSE spelt(mine.line, agent, own)
    END AS process_command_line,
    theirs.image AS parent_image,
    (1000 + above % 30000)::BIGINT AS parent_pid,
    CASE WHEN above IS NOT NULL THEN hex16(above) END AS parent_uid,
    CASE WHEN above IS NOT NULL THEN spelt(theirs.line, agent, above) END AS parent_command_line,
    CASE
        WHEN drift = 'module' THEN repeat('e', 64)
        WHEN kind = 'module_loaded' THEN hex16(hash(library, 1)) || hex16(hash(library, 2))
            || hex16(hash(library, 3)) || hex16(hash(library, 4))
    END AS digest,
    CASE WHEN kind = 'connection_opened' THEN spoken_to END AS destination,
    CASE WHEN kind = 'connection_opened' THEN
        CASE
            WHEN is_bare THEN 22
            WHEN rare OR asks_model OR drift = 'flow' THEN 443
            ELSE [8443, 22, 443][1 + least(place_number % 8, 2)::INTEGER]
        END
    END::INTEGER AS port,
    CASE WHEN kind = 'connection_opened' AND NOT is_bare THEN spoken_at END AS address,
    CASE WHEN kind = 'connection_opened' THEN 'tcp' END AS protocol,
    CASE WHEN kind = 'connection_opened' THEN true END AS outbound,
    CASE
        WHEN drift = 'transfer' THEN 40000000000 WHEN kind = 'connection_opened' THEN 200 + (h1 >> 20) % 4000
    END::BIGINT AS bytes_out,
    CASE WHEN kind = 'connection_opened' THEN 900 + (h1 >> 24) % 60000 END::BIGINT AS bytes_in,
    CASE WHEN kind = 'name_resolved' THEN spoken_to END AS name,
    CASE WHEN kind = 'name_resolved' THEN [spoken_at] END AS addresses,
    CASE
        WHEN drift = 'module' THEN '/usr/lib/x86_64-linux-gnu/libkeytap.so'
        WHEN kind = 'module_loaded' THEN format(
            '/usr/lib/x86_64-linux-gnu/lib{}{}.so.{}', word(library),
            ['', '-core', '-stream', '-ffi'][1 + (library // 64)::INTEGER], 1 + library % 7
        )
        WHEN drift = 'path' THEN '/root/.ssh/authorized_keys'
        WHEN kind <> 'file_touched' THEN NULL
        WHEN rare THEN format('/opt/{}/{}.bin', translate(hex16(h2)[:8], '0123456789', 'ghijklmnop'), word(h2))
        WHEN level = 0 AND agent % 4 = 0 AND h1 % 10 = 0 THEN format('/srv/models/{}.gguf', word(agent))
        WHEN h1 % 33 = 0 THEN format('/tmp/run-{}/out.json', hex16(h1)[:8])
        ELSE format(
            '/srv/{}/{}/{}.{}', word(taste * 5 + file % 4),
            ['src', 'tests', 'docs', 'tools', 'lib'][1 + (file // 4 % 5)::INTEGER], word(taste + file),
            ['py', 'ts', 'md', 'rs'][1 + (file // 20 % 4)::INTEGER]
        )
    END AS path,
    CASE
        WHEN kind <> 'file_touched' THEN NULL
        WHEN drift = 'path' OR h1 % 10 = 0 THEN 'modified'
        ELSE ['read', 'modified', 'created', 'read'][1 + ((h1 >> 3) % 4)::INTEGER]
    END AS action
FROM named
JOIN programs AS mine ON mine.code = named.code
LEFT JOIN programs AS theirs ON theirs.code = named.code_above;
