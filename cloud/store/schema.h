/* The tables, as SQL that both SQLite and PostgreSQL accept in spirit; SQLite's is this one. Private to
 * cloud/store. */
#ifndef TANDEM_CLOUD_SCHEMA_H
#define TANDEM_CLOUD_SCHEMA_H

#define SCHEMA_VERSION 1

static const char schema_sql[] =
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE token (hash BLOB PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE template (name TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE device ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, token_hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL,"
    "  template TEXT NOT NULL REFERENCES template (name), name TEXT NOT NULL,"
    "  last_seen INTEGER NOT NULL, checked_in INTEGER NOT NULL, foreign_template INTEGER NOT NULL,"
    "  type TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, hardware TEXT NOT NULL,"
    "  digest BLOB, state INTEGER NOT NULL, counter INTEGER NOT NULL, reports INTEGER NOT NULL,"
    "  shipment INTEGER NOT NULL);"
    "CREATE INDEX device_by_template ON device (template);"
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  time INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX event_by_device ON event (device, id);"
    "CREATE TABLE rejection ("
    "  device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE, head BLOB NOT NULL,"
    "  reason INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (device, head)) WITHOUT ROWID;"
    "CREATE TABLE firmware ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, package INTEGER NOT NULL,"
    "  size INTEGER NOT NULL, sha256 BLOB NOT NULL UNIQUE, md5 BLOB NOT NULL,"
    "  type TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, uploaded INTEGER NOT NULL,"
    "  digest BLOB NOT NULL, hardware TEXT NOT NULL, image_bytes INTEGER NOT NULL,"
    "  counter INTEGER NOT NULL, key_id INTEGER NOT NULL, encoding INTEGER NOT NULL);"
    "CREATE TABLE shipment ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    "  template TEXT NOT NULL REFERENCES template (name),"
    "  firmware INTEGER NOT NULL REFERENCES firmware (id) ON DELETE CASCADE,"
    "  all_devices INTEGER NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT "
    "NULL);"
    "CREATE INDEX shipment_by_firmware ON shipment (firmware);"
    "CREATE TABLE target ("
    "  shipment INTEGER NOT NULL REFERENCES shipment (id) ON DELETE CASCADE,"
    "  device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
    "  status INTEGER NOT NULL, reason INTEGER NOT NULL, ended INTEGER NOT NULL, stage INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, size INTEGER NOT NULL, wire_bytes INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL, period_start INTEGER NOT NULL, attempt_start INTEGER NOT NULL,"
    "  repeats INTEGER NOT NULL, due INTEGER NOT NULL, updated INTEGER NOT NULL,"
    "  PRIMARY KEY (shipment, device)) WITHOUT ROWID;"
    "CREATE INDEX target_by_device ON target (device, shipment);"
    "CREATE INDEX target_by_due ON target (due) WHERE due > 0;";

#endif
