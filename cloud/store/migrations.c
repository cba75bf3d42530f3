#include "cloud/store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/store/database.h"
#include "cloud/store/driver.h"

/* In SQL that both databases take, but for five words: {id} is a key that counts up and is never given twice,
 * {row} one that just counts up, {audit_seal} what keeps audit's rows as they are, {bytes} the type of byte
 * strings, and {keyed} says that the table lies in the order of its key. Integers are BIGINT. */
static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value {bytes} NOT NULL) {keyed};"
    "CREATE TABLE token (hash {bytes} PRIMARY KEY, name TEXT NOT NULL, created BIGINT NOT NULL) {keyed};"
    "CREATE TABLE template (name TEXT PRIMARY KEY) {keyed};"
    "CREATE TABLE device ("
    "  id {id}, token_hash {bytes} NOT NULL UNIQUE, created BIGINT NOT NULL,"
    "  template TEXT NOT NULL REFERENCES template (name), name TEXT NOT NULL,"
    "  last_seen BIGINT NOT NULL, checked_in BIGINT NOT NULL, foreign_template BIGINT NOT NULL,"
    "  type TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, hardware TEXT NOT NULL,"
    "  digest {bytes}, state BIGINT NOT NULL, counter BIGINT NOT NULL, reports BIGINT NOT NULL,"
    "  shipment BIGINT NOT NULL);"
    "CREATE INDEX device_by_template ON device (template);"
    "CREATE TABLE event ("
    "  id {row}, device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  time BIGINT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX event_by_device ON event (device, id);"
    "CREATE TABLE rejection ("
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE, head {bytes} NOT NULL,"
    "  reason BIGINT NOT NULL, time BIGINT NOT NULL, PRIMARY KEY (device, head)) {keyed};"
    "CREATE TABLE firmware ("
    "  id {id}, name TEXT NOT NULL, package BIGINT NOT NULL,"
    "  size BIGINT NOT NULL, sha256 {bytes} NOT NULL UNIQUE, md5 {bytes} NOT NULL,"
    "  type TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, uploaded BIGINT NOT NULL,"
    "  digest {bytes} NOT NULL, hardware TEXT NOT NULL, image_bytes BIGINT NOT NULL,"
    "  counter BIGINT NOT NULL, key_id BIGINT NOT NULL, encoding BIGINT NOT NULL);"
    "CREATE TABLE shipment ("
    "  id {id}, name TEXT NOT NULL UNIQUE,"
    "  template TEXT NOT NULL REFERENCES template (name),"
    "  firmware BIGINT NOT NULL REFERENCES firmware (id) ON DELETE CASCADE,"
    "  all_devices BIGINT NOT NULL, state BIGINT NOT NULL, created BIGINT NOT NULL, ended BIGINT NOT NULL);"
    "CREATE INDEX shipment_by_firmware ON shipment (firmware);"
    "CREATE TABLE target ("
    "  shipment BIGINT NOT NULL REFERENCES shipment (id) ON DELETE CASCADE,"
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  status BIGINT NOT NULL, reason BIGINT NOT NULL, ended BIGINT NOT NULL, stage BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL, size BIGINT NOT NULL, wire_bytes BIGINT NOT NULL,"
    "  attempts BIGINT NOT NULL, period_start BIGINT NOT NULL, attempt_start BIGINT NOT NULL,"
    "  repeats BIGINT NOT NULL, due BIGINT NOT NULL, updated BIGINT NOT NULL,"
    "  PRIMARY KEY (shipment, device)) {keyed};"
    "CREATE INDEX target_by_device ON target (device, shipment);"
    "CREATE INDEX target_by_due ON target (due) WHERE due > 0;",
    /* 2: every record belongs to an organization; what was there, to the first. Tables whose keys change are
     * written anew, children first, so that nothing is deleted along with its parent. */
    "CREATE TABLE organization (id {id}, name TEXT NOT NULL UNIQUE, created BIGINT NOT NULL);"
    "INSERT INTO organization (name, created) VALUES ('default', 0);"
    "CREATE TABLE template_owner ("
    "  organization BIGINT NOT NULL REFERENCES organization (id),"
    "  template TEXT NOT NULL REFERENCES template (name), PRIMARY KEY (organization, template)) {keyed};"
    "INSERT INTO template_owner (organization, template) SELECT 1, name FROM template;"
    "ALTER TABLE device ADD COLUMN organization BIGINT NOT NULL DEFAULT 1;"
    "DROP INDEX device_by_template;"
    "CREATE INDEX device_by_template ON device (organization, template, id);"
    "CREATE INDEX device_by_organization ON device (organization, id);"
    "CREATE TABLE firmware_2 ("
    "  id {id}, organization BIGINT NOT NULL REFERENCES organization (id), name TEXT NOT NULL,"
    "  package BIGINT NOT NULL, size BIGINT NOT NULL, sha256 {bytes} NOT NULL, md5 {bytes} NOT NULL,"
    "  type TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, uploaded BIGINT NOT NULL,"
    "  digest {bytes} NOT NULL, hardware TEXT NOT NULL, image_bytes BIGINT NOT NULL,"
    "  counter BIGINT NOT NULL, key_id BIGINT NOT NULL, encoding BIGINT NOT NULL,"
    "  UNIQUE (sha256, organization));"
    "INSERT INTO firmware_2 SELECT id, 1, name, package, size, sha256, md5, type, version, build, uploaded,"
    "  digest, hardware, image_bytes, counter, key_id, encoding FROM firmware;"
    "CREATE TABLE shipment_2 ("
    "  id {id}, organization BIGINT NOT NULL REFERENCES organization (id), name TEXT NOT NULL,"
    "  template TEXT NOT NULL REFERENCES template (name),"
    "  firmware BIGINT NOT NULL REFERENCES firmware_2 (id) ON DELETE CASCADE,"
    "  all_devices BIGINT NOT NULL, state BIGINT NOT NULL, created BIGINT NOT NULL, ended BIGINT NOT NULL,"
    "  UNIQUE (organization, name));"
    "INSERT INTO shipment_2 SELECT id, 1, name, template, firmware, all_devices, state, created, ended"
    "  FROM shipment;"
    "CREATE TABLE target_2 ("
    "  shipment BIGINT NOT NULL REFERENCES shipment_2 (id) ON DELETE CASCADE,"
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  status BIGINT NOT NULL, reason BIGINT NOT NULL, ended BIGINT NOT NULL, stage BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL, size BIGINT NOT NULL, wire_bytes BIGINT NOT NULL,"
    "  attempts BIGINT NOT NULL, period_start BIGINT NOT NULL, attempt_start BIGINT NOT NULL,"
    "  repeats BIGINT NOT NULL, due BIGINT NOT NULL, updated BIGINT NOT NULL,"
    "  PRIMARY KEY (shipment, device)) {keyed};"
    "INSERT INTO target_2 SELECT shipment, device, status, reason, ended, stage, bytes, size, wire_bytes,"
    "  attempts, period_start, attempt_start, repeats, due, updated FROM target;"
    "DROP TABLE target; DROP TABLE shipment; DROP TABLE firmware;"
    "ALTER TABLE firmware_2 RENAME TO firmware;"
    "ALTER TABLE shipment_2 RENAME TO shipment;"
    "ALTER TABLE target_2 RENAME TO target;"
    "CREATE INDEX firmware_by_organization ON firmware (organization, id);"
    "CREATE INDEX shipment_by_firmware ON shipment (firmware);"
    "CREATE INDEX shipment_by_organization ON shipment (organization, id);"
    "CREATE INDEX target_by_device ON target (device, shipment);"
    "CREATE INDEX target_by_due ON target (due) WHERE due > 0;",
    /* 3: the servers, and which device is connected to which */
    "CREATE TABLE node (id {id}, beat BIGINT NOT NULL, started BIGINT NOT NULL);"
    "CREATE TABLE presence ("
    "  device BIGINT PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE, node BIGINT NOT NULL,"
    "  connection BIGINT NOT NULL, checked_in BIGINT NOT NULL, reported BIGINT NOT NULL,"
    "  origin TEXT NOT NULL) {keyed};"
    "CREATE INDEX presence_by_node ON presence (node);",
    /* 4: the last values of a device */
    "CREATE TABLE value ("
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE, kind BIGINT NOT NULL, name TEXT NOT "
    "NULL,"
    "  time BIGINT NOT NULL, data {bytes} NOT NULL, PRIMARY KEY (device, kind, name)) {keyed};",
    /* 5: shipments in waves; counters instead of counting */
    "ALTER TABLE device ADD COLUMN library TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN tags TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN zone TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN location_zone TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN version_key TEXT NOT NULL DEFAULT '';"
    "DROP INDEX device_by_template;"
    "CREATE INDEX device_by_template ON device (organization, template, id);"
    "CREATE INDEX device_by_name ON device (organization, name, id);"
    "CREATE INDEX device_by_version ON device (organization, version_key, id);"
    "ALTER TABLE firmware ADD COLUMN library TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE shipment ADD COLUMN filter TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE shipment ADD COLUMN condition BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN slot BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN user_controlled BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN attempts BIGINT NOT NULL DEFAULT 3;"
    "ALTER TABLE shipment ADD COLUMN period BIGINT NOT NULL DEFAULT 86400000;"
    "ALTER TABLE shipment ADD COLUMN per_minute BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN bytes_per_second BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN planned BIGINT NOT NULL DEFAULT 1;"
    "ALTER TABLE shipment ADD COLUMN wave BIGINT NOT NULL DEFAULT 1;"
    "ALTER TABLE shipment ADD COLUMN planner BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN steps BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN sweep BIGINT NOT NULL DEFAULT -1;"
    "ALTER TABLE shipment ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN due BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE shipment ADD COLUMN why TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX shipment_by_template ON shipment (organization, template, id);"
    "CREATE INDEX shipment_by_due ON shipment (due) WHERE due > 0;"
    "CREATE INDEX shipment_unplanned ON shipment (id) WHERE planned = 0;"
    "CREATE INDEX shipment_by_sweep ON shipment (id) WHERE sweep >= 0;"
    "CREATE INDEX rejection_by_head ON rejection (head);"
    "ALTER TABLE target ADD COLUMN wave BIGINT NOT NULL DEFAULT 1;"
    "ALTER TABLE target ADD COLUMN consent BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE target ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE wave ("
    "  shipment BIGINT NOT NULL REFERENCES shipment (id) ON DELETE CASCADE, number BIGINT NOT NULL,"
    "  kind BIGINT NOT NULL, amount BIGINT NOT NULL, filter TEXT NOT NULL,"
    "  success_percent BIGINT NOT NULL, failure_percent BIGINT NOT NULL, minimum BIGINT NOT NULL,"
    "  soak BIGINT NOT NULL, size BIGINT NOT NULL, updated BIGINT NOT NULL, there BIGINT NOT NULL,"
    "  skipped BIGINT NOT NULL, failed BIGINT NOT NULL, stuck BIGINT NOT NULL, opened BIGINT NOT NULL,"
    "  reached BIGINT NOT NULL, forgiven BIGINT NOT NULL, forgiven_sample BIGINT NOT NULL,"
    "  forgiven_bad BIGINT NOT NULL, PRIMARY KEY (shipment, number)) {keyed};"
    "CREATE TABLE saved_filter (id {id}, organization BIGINT NOT NULL REFERENCES organization (id),"
    "  name TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (organization, name));"
    /* What there was is one wave. Statuses: 5 success, 12 already there, 7 out of attempts. */
    "INSERT INTO wave SELECT id, 1, 0, 0, '', 90, 0, 10, 0, "
    "  (SELECT count(*) FROM target WHERE shipment = s.id), "
    "  (SELECT count(*) FROM target WHERE shipment = s.id AND ended <> 0 AND status = 5), "
    "  (SELECT count(*) FROM target WHERE shipment = s.id AND ended <> 0 AND status = 12), 0, "
    "  (SELECT count(*) FROM target WHERE shipment = s.id AND ended <> 0 AND status NOT IN (5, 12)), "
    "  (SELECT count(*) FROM target WHERE shipment = s.id AND ended = 0 AND status = 7), "
    "  created, 0, 0, 0, 0 FROM shipment s;",
    /* 6: people. The tokens of format 1 become the first account's, with every right. */
    "CREATE TABLE account ("
    "  id {id}, organization BIGINT NOT NULL REFERENCES organization (id), login TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL, role BIGINT NOT NULL, password TEXT NOT NULL, once BIGINT NOT NULL,"
    "  disabled BIGINT NOT NULL, subject TEXT UNIQUE, created BIGINT NOT NULL, last_login BIGINT NOT NULL);"
    "CREATE INDEX account_by_organization ON account (organization, id);"
    "CREATE TABLE session ("
    "  id {id}, hash {bytes} NOT NULL UNIQUE,"
    "  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  created BIGINT NOT NULL, used BIGINT NOT NULL, once BIGINT NOT NULL, address TEXT NOT NULL,"
    "  agent TEXT NOT NULL);"
    "CREATE INDEX session_by_account ON session (account, id);"
    "CREATE INDEX session_by_use ON session (used);"
    "CREATE TABLE api_token ("
    "  id {id}, hash {bytes} NOT NULL UNIQUE,"
    "  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE, name TEXT NOT NULL,"
    "  role BIGINT NOT NULL, areas BIGINT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL,"
    "  used BIGINT NOT NULL);"
    "CREATE INDEX api_token_by_account ON api_token (account, id);"
    "INSERT INTO account (organization, login, name, role, password, once, disabled, created, last_login)"
    "  SELECT 1, 'admin', '', 2, '', 0, 0, min(created), 0 FROM token HAVING count(*) > 0;"
    "INSERT INTO api_token (hash, account, name, role, areas, created, expires, used)"
    "  SELECT hash, 1, name, 2, 0, created, 0, 0 FROM token;"
    "DROP TABLE token;",
    /* 7: who did what; rows are only added */
    "CREATE TABLE audit ("
    "  id {id}, organization BIGINT NOT NULL, time BIGINT NOT NULL, account BIGINT NOT NULL,"
    "  token BIGINT NOT NULL, login TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,"
    "  subject TEXT NOT NULL, detail TEXT NOT NULL, done BIGINT NOT NULL);"
    "CREATE INDEX audit_by_organization ON audit (organization, id);"
    "CREATE INDEX audit_by_account ON audit (organization, account, id);"
    "{audit_seal}",
    /* 8: answers to requests that may come again */
    "CREATE TABLE repeat ("
    "  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE, key {bytes} NOT NULL,"
    "  request {bytes} NOT NULL, status BIGINT NOT NULL, created BIGINT NOT NULL, answer {bytes} NOT NULL,"
    "  PRIMARY KEY (account, key)) {keyed};"
    "CREATE INDEX repeat_by_age ON repeat (created);",
    /* 9: webhooks, and what is on its way to them */
    "CREATE TABLE webhook ("
    "  id {id}, organization BIGINT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,"
    "  url TEXT NOT NULL, secret {bytes} NOT NULL, events TEXT NOT NULL, disabled BIGINT NOT NULL,"
    "  created BIGINT NOT NULL);"
    "CREATE INDEX webhook_by_organization ON webhook (organization, id);"
    "CREATE TABLE delivery ("
    "  id {id}, webhook BIGINT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE, event TEXT NOT NULL,"
    "  payload TEXT NOT NULL, created BIGINT NOT NULL, attempts BIGINT NOT NULL, due BIGINT NOT NULL,"
    "  status BIGINT NOT NULL, error TEXT NOT NULL, state BIGINT NOT NULL);"
    "CREATE INDEX delivery_by_webhook ON delivery (webhook, id);"
    "CREATE INDEX delivery_by_due ON delivery (due) WHERE due > 0;"
    "CREATE INDEX delivery_by_age ON delivery (created) WHERE due = 0;",
    /* 10: signing keys, and what charts are drawn from */
    "CREATE TABLE signing_key ("
    "  id {id}, organization BIGINT NOT NULL REFERENCES organization (id), name TEXT NOT NULL,"
    "  key_id BIGINT NOT NULL, point {bytes} NOT NULL, created BIGINT NOT NULL,"
    "  UNIQUE (organization, name), UNIQUE (organization, point));"
    "ALTER TABLE firmware ADD COLUMN head_digest {bytes};"
    "ALTER TABLE firmware ADD COLUMN signature {bytes};"
    "ALTER TABLE firmware ADD COLUMN signer BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE field ("
    "  organization BIGINT NOT NULL, template TEXT NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL,"
    "  devices BIGINT NOT NULL, PRIMARY KEY (organization, template, type, version)) {keyed};"
    "INSERT INTO field SELECT organization, template, type, version, count(*) FROM device "
    "  WHERE checked_in > 0 GROUP BY organization, template, type, version;"
    "CREATE TABLE version_hour ("
    "  organization BIGINT NOT NULL, time BIGINT NOT NULL, template TEXT NOT NULL, type TEXT NOT NULL,"
    "  version TEXT NOT NULL, devices BIGINT NOT NULL,"
    "  PRIMARY KEY (organization, time, template, type, version)) {keyed};"
    "CREATE TABLE progress_hour ("
    "  shipment BIGINT NOT NULL REFERENCES shipment (id) ON DELETE CASCADE, time BIGINT NOT NULL,"
    "  target BIGINT NOT NULL, updated BIGINT NOT NULL, failed BIGINT NOT NULL, skipped BIGINT NOT NULL,"
    "  PRIMARY KEY (shipment, time)) {keyed};",
    /* 11: in which form a firmware travels; forms that the cloud made. Form 1 is plain, 2 compressed. */
    "ALTER TABLE device ADD COLUMN decodes BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE firmware ADD COLUMN form BIGINT NOT NULL DEFAULT 1;"
    "ALTER TABLE firmware ADD COLUMN plain_size BIGINT NOT NULL DEFAULT 0;"
    "UPDATE firmware SET form = 1 + encoding, plain_size = size;"
    "ALTER TABLE target ADD COLUMN form BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE target ADD COLUMN sent_bytes BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE target ADD COLUMN plain_bytes BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE target ADD COLUMN encoded BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE wave ADD COLUMN sent_bytes BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE wave ADD COLUMN plain_bytes BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE form ("
    "  id {id}, firmware BIGINT NOT NULL REFERENCES firmware (id) ON DELETE CASCADE, base {bytes} NOT NULL,"
    "  state BIGINT NOT NULL, wanted BIGINT NOT NULL, node BIGINT NOT NULL, due BIGINT NOT NULL,"
    "  tries BIGINT NOT NULL, size BIGINT NOT NULL, sha256 {bytes}, md5 {bytes}, took BIGINT NOT NULL,"
    "  used BIGINT NOT NULL, why TEXT NOT NULL, UNIQUE (firmware, base));"
    "CREATE INDEX form_by_state ON form (state, used);"
    "CREATE INDEX form_by_sha256 ON form (sha256);"
    "CREATE INDEX firmware_by_digest ON firmware (organization, digest);",
    /* 12: a device's timeline lies together, and is counted by itself: one write for a line, not two */
    "CREATE TABLE event_2 ("
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE, number BIGINT NOT NULL,"
    "  time BIGINT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (device, number)) {keyed};"
    "INSERT INTO event_2 SELECT device, row_number() OVER (PARTITION BY device ORDER BY id), time, kind, text"
    "  FROM event;"
    "DROP TABLE event;"
    "ALTER TABLE event_2 RENAME TO event;",
    /* 13: what events are about, what failed lately, devices whose token was revoked */
    "ALTER TABLE event ADD COLUMN shipment BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE event ADD COLUMN code TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE event ADD COLUMN reason BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN revoked BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE failure ("
    "  id {row}, organization BIGINT NOT NULL, time BIGINT NOT NULL, shipment BIGINT NOT NULL,"
    "  device BIGINT NOT NULL, status BIGINT NOT NULL, reason BIGINT NOT NULL);"
    "CREATE INDEX failure_by_organization ON failure (organization, id);",
    /* 14: files to remove from where they are kept */
    "CREATE TABLE removal ("
    "  sha256 {bytes} PRIMARY KEY, due BIGINT NOT NULL, tries BIGINT NOT NULL, tried BIGINT NOT NULL) "
    "{keyed};"
    "CREATE INDEX removal_by_due ON removal (due);",
    /* 15: where the devices of an organization stand that have no time zone of their own */
    "ALTER TABLE organization ADD COLUMN zone TEXT NOT NULL DEFAULT '';",
    /* 16: what a device said on its connection lies with what it is: one write for a check-in, not two */
    "ALTER TABLE device ADD COLUMN said BIGINT NOT NULL DEFAULT 0;"
    "UPDATE device SET said = (SELECT p.checked_in + 2 * p.reported FROM presence p WHERE p.device = "
    "device.id)"
    "  WHERE id IN (SELECT device FROM presence);"
    "ALTER TABLE presence DROP COLUMN checked_in;"
    "ALTER TABLE presence DROP COLUMN reported;",
    /* 17: lines of timelines stand as they were written, each with the one before it of its device; from
     * before, in order of time as far as clocks went forward */
    "CREATE TABLE event_3 ("
    "  id {row}, device BIGINT NOT NULL, before BIGINT NOT NULL, time BIGINT NOT NULL, kind TEXT NOT NULL,"
    "  shipment BIGINT NOT NULL, code TEXT NOT NULL, reason BIGINT NOT NULL, text TEXT NOT NULL);"
    "INSERT INTO event_3 (device, before, time, kind, shipment, code, reason, text)"
    "  SELECT device, 0, time, kind, shipment, code, reason, text FROM event"
    "  ORDER BY max(time) OVER (PARTITION BY device ORDER BY number), device, number;"
    "UPDATE event_3 SET before = b.id FROM (SELECT id AS own, lag(id) OVER (PARTITION BY device ORDER BY id)"
    "  AS id FROM event_3) AS b WHERE b.own = event_3.id AND b.id IS NOT NULL;"
    "ALTER TABLE device ADD COLUMN line BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN line_flow BIGINT NOT NULL DEFAULT 0;"
    "UPDATE device SET line = n.line FROM (SELECT device AS own, max(id) AS line FROM event_3 GROUP BY "
    "device)"
    "  AS n WHERE n.own = device.id;"
    "DROP TABLE event;"
    "ALTER TABLE event_3 RENAME TO event;",
    /* 18: the targets of a device lie together, since every check-in reads all of them */
    "CREATE TABLE target_3 ("
    "  device BIGINT NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  shipment BIGINT NOT NULL REFERENCES shipment (id) ON DELETE CASCADE,"
    "  status BIGINT NOT NULL, reason BIGINT NOT NULL, ended BIGINT NOT NULL, stage BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL, size BIGINT NOT NULL, wire_bytes BIGINT NOT NULL,"
    "  attempts BIGINT NOT NULL, period_start BIGINT NOT NULL, attempt_start BIGINT NOT NULL,"
    "  repeats BIGINT NOT NULL, due BIGINT NOT NULL, updated BIGINT NOT NULL, wave BIGINT NOT NULL,"
    "  consent BIGINT NOT NULL, turn BIGINT NOT NULL, form BIGINT NOT NULL, sent_bytes BIGINT NOT NULL,"
    "  plain_bytes BIGINT NOT NULL, encoded BIGINT NOT NULL, PRIMARY KEY (device, shipment)) {keyed};"
    "INSERT INTO target_3 SELECT device, shipment, status, reason, ended, stage, bytes, size, wire_bytes,"
    "  attempts, period_start, attempt_start, repeats, due, updated, wave, consent, turn, form, sent_bytes,"
    "  plain_bytes, encoded FROM target ORDER BY device, shipment;"
    "DROP TABLE target;"
    "ALTER TABLE target_3 RENAME TO target;"
    "CREATE INDEX target_by_shipment ON target (shipment, device);"
    "CREATE INDEX target_by_due ON target (due) WHERE due > 0;",
    /* 19: what changes all the time of a device has a short row of its own */
    "CREATE TABLE pulse ("
    "  device {row} REFERENCES device (id) ON DELETE CASCADE, last_seen BIGINT NOT NULL,"
    "  checked_in BIGINT NOT NULL, shipment BIGINT NOT NULL, said BIGINT NOT NULL, line BIGINT NOT NULL,"
    "  line_flow BIGINT NOT NULL);"
    "INSERT INTO pulse SELECT id, last_seen, checked_in, shipment, said, line, line_flow FROM device"
    "  ORDER BY id;"
    "ALTER TABLE device DROP COLUMN last_seen;"
    "ALTER TABLE device DROP COLUMN checked_in;"
    "ALTER TABLE device DROP COLUMN shipment;"
    "ALTER TABLE device DROP COLUMN said;"
    "ALTER TABLE device DROP COLUMN line;"
    "ALTER TABLE device DROP COLUMN line_flow;",
    /* 20: tokens of devices that open nothing any more, for servers that did not hear of it */
    ("CREATE TABLE token_end (id {id}, device BIGINT NOT NULL, hash {bytes} NOT NULL, time BIGINT NOT NULL);"
     "CREATE INDEX token_end_by_time ON token_end (time);"),
    /* 21: which delivery of each webhook is due */
    ("DROP INDEX delivery_by_due;"
     "CREATE INDEX delivery_by_due ON delivery (webhook, due) WHERE due > 0;"),
    /* 22: how many devices there are, and how many are connected to each server, instead of counting them */
    "ALTER TABLE template_owner ADD COLUMN devices BIGINT NOT NULL DEFAULT 0;"
    "UPDATE template_owner SET devices = (SELECT count(*) FROM device d WHERE d.organization ="
    "  template_owner.organization AND d.template = template_owner.template);"
    "CREATE TABLE crowd (node BIGINT NOT NULL, teller BIGINT NOT NULL, organization BIGINT NOT NULL,"
    "  devices BIGINT NOT NULL, PRIMARY KEY (node, teller, organization)) {keyed};"
    "INSERT INTO crowd SELECT p.node, p.node, d.organization, count(*) FROM presence p"
    "  JOIN device d ON d.id = p.device GROUP BY p.node, d.organization;",
};
#define TRIES_MAX 1000 /* more than steps and servers that start at once */
#define VERSION   ((int)(sizeof steps / sizeof steps[0]))

/* The word that stands in braces at from. */
static const char *word_at(const struct driver_words *words, const char *from)
{
    if (strncmp(from, "{id}", 4) == 0)
        return words->id;
    if (strncmp(from, "{audit_seal}", 12) == 0)
        return words->audit_seal;
    if (strncmp(from, "{row}", 5) == 0)
        return words->row;
    return strncmp(from, "{bytes}", 7) == 0 ? words->bytes : words->keyed;
}

/* A step in the driver's words; the caller frees it. */
static char *spell(const struct driver_words *words, const char *step)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        abort();
    for (const char *from = step; *from != '\0'; from++) {
        if (*from == '{') {
            fputs(word_at(words, from), to);
            from = strchr(from, '}');
        } else {
            fputc(*from, to);
        }
    }
    if (fclose(to) != 0)
        abort();
    return text;
}

static int read_version(struct store *store, int *version)
{
    struct query query = db__query(store, store->driver->version_get);
    if (db__row(&query))
        *version = (int)db__int(&query);
    return db__end(&query);
}

/* Takes the step that makes it this version. The number comes first: where several servers start at once, one
 * of them gets it, and the others find the step taken. */
static int take_step(struct store *store, int version, char *why, size_t capacity)
{
    char number[200];
    char *sql = spell(&store->driver->words, steps[version - 1]);
    snprintf(number, sizeof number, store->driver->version_set, version);
    int result = store->driver->begin(store);
    if (result == STORE_OK)
        result = store->driver->execute(store, number);
    if (result == STORE_OK)
        result = store->driver->execute(store, sql);
    if (result == STORE_OK)
        result = store->driver->commit(store);
    if (result != STORE_OK) {
        snprintf(why, capacity, "cannot upgrade it to format %d: %s", version, store->driver->message(store));
        store->driver->rollback(store);
    }
    free(sql);
    return result;
}

/* An answer that another server was faster. */
static bool taken_by_another(int result)
{
    return result == STORE_CONFLICT || result == STORE_AGAIN;
}

static int take_steps(struct store *store, int *version, char *why, size_t capacity)
{
    int taken = 0;
    int result = store->driver->execute(store, store->driver->version_setup);
    if (taken_by_another(result))
        result = STORE_OK;
    for (int tries = 0; result == STORE_OK && tries < TRIES_MAX; tries++) {
        result = read_version(store, version);
        if (result != STORE_OK || *version >= VERSION)
            break;
        if (*version > 0 && tries == 0)
            log_line(
                LOG_LEVEL_INFO, "database-upgrade",
                "from=%d to=%d hint=\"a large one takes minutes; a server that is ended meanwhile goes on "
                "at its next start\"",
                *version, VERSION);
        result = take_step(store, *version + 1, why, capacity);
        if (taken_by_another(result))
            result = STORE_OK;
        else if (result == STORE_OK)
            taken++;
    }
    if (taken > 0)
        log_line(LOG_LEVEL_INFO, "database-format", "format=%d steps=%d", *version, taken);
    return result;
}

int migrations_run(struct store *store, char *why, size_t capacity)
{
    int version = 0;
    why[0] = '\0';
    int result = take_steps(store, &version, why, capacity);
    if (result != STORE_OK && why[0] == '\0') {
        snprintf(why, capacity, "%s", store->driver->message(store));
    } else if (result == STORE_OK && version > VERSION) {
        snprintf(why, capacity,
                 "written by a newer tandem-cloud (format %d, this one knows up to %d); run that one, or "
                 "restore a backup from before the upgrade",
                 version, VERSION);
        result = STORE_FAILED;
    }
    return result;
}
