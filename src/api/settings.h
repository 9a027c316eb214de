/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: what moat.conf can say. One table of rows (settings_rows.c) is the
 * only place that knows the keys, their types, defaults and ranges; the
 * daemon, the command line and the manual page read them from there.
 *
 * Look-ups by key are linear and abort on a key or type that the table does
 * not have: read settings once, at the start, into a module's own options.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define SETTINGS_FILE "/etc/moat/moat.conf"

/* Names that several processes know: below server.state_dir ... */
#define SETTINGS_DATABASE "moat.db"
/* In a folder of its own: the front roles may read that and nothing else. */
#define SETTINGS_VIEW_FOLDER "view"
#define SETTINGS_VIEW SETTINGS_VIEW_FOLDER "/view.mdb"
#define SETTINGS_SPOOL "spool"
#define SETTINGS_POLICY_FOLDER "policy" /* the policy cache */
/* ... and below server.run_dir. */
#define SETTINGS_ADMIN_SOCKET "admin.sock"
#define SETTINGS_LMTP_SOCKET "lmtp.sock"
#define SETTINGS_PROBE_SOCKET "probe.sock"
#define SETTINGS_POLICY_SOCKET "policy.sock" /* control of the role policy */
#define SETTINGS_STATUS "status.json"	     /* what runs, by the supervisor */

enum setting_type {
	SETTING_STR,	/* any text */
	SETTING_PATH,	/* an absolute path */
	SETTING_NAME,	/* a domain name; kept lower-case, no trailing dot */
	SETTING_CHOICE, /* one of the words of range, "a|b|c" */
	SETTING_BOOL,	/* yes or no */
	SETTING_INT,	/* within range, "1..64" */
	SETTING_TIME,	/* "90", "90s", "15m", "2h", "7d"; range in seconds */
	SETTING_SIZE,	/* "4096", "64k", "10m", "1g"; range in bytes */
	SETTING_LIST,	/* words; in all lists commas or spaces between */
	SETTING_NAMES,	/* domain names */
	SETTING_IPS,	/* IP addresses */
	SETTING_ADDRS,	/* IP addresses with ports: where to bind or connect */
	SETTING_NETS,	/* networks, as ip_net_parse reads them */
	SETTING_STUBS,	/* ZONE=ADDRESS:PORT: name servers of zones */
};

/* Of the NAME of a section [profile NAME]. */
#define SETTINGS_NAME_BYTES_MAX 32

struct setting_row {
	/* "profile NAME": there may be many, each with a name of its own. */
	const char *section;
	const char *key;
	enum setting_type type;
	const char *value; /* the default, as it would stand in the file */
	const char *range; /* "min..max" or "a|b|c"; NULL where none */
	const char *doc;   /* for the manual page: sentences with full stops */
};

/* All rows, sections together, ended by one whose section is NULL. */
extern const struct setting_row setting_rows[];

/* "address" and so on, as the manual page calls the type. */
const char *setting_type_name(enum setting_type type);

struct settings;

/* The defaults alone. Never fails. */
struct settings *settings_new(void);

/*
 * The defaults and over them the file at path. Unknown sections and keys,
 * values out of range and keys given twice are errors that name the file and
 * the line. ST_NOTFOUND: no such file.
 */
enum status settings_load(
	const char *path, struct settings **out, struct err *e);

void settings_free(struct settings **s);

/* Sets "section.key" as a file would; the error does not name a line. */
enum status settings_set(
	struct settings *s, const char *key, struct str value, struct err *e);

/*
 * The value of "section.key", borrowed from s. Strings end in a NUL that is
 * not counted; "" means not set. Of "profile NAME.key" the NAME must be there.
 */
struct str settings_str(const struct settings *s, const char *key);
/* The same as a C string; NULL means not set. */
const char *settings_z(const struct settings *s, const char *key);
int64_t settings_int(const struct settings *s, const char *key);
bool settings_bool(const struct settings *s, const char *key);
const struct str *settings_list(
	const struct settings *s, const char *key, size_t *n);

/*
 * The i-th NAME of the sections [KIND NAME], in the order of the file, borrowed
 * from s; p == NULL: there are no more. A value of it is "KIND NAME.key".
 */
struct str settings_name(const struct settings *s, const char *kind, size_t i);

/* "DIR/FILE" below server.state_dir or server.run_dir, NUL-terminated. */
struct str settings_state_path(
	const struct settings *s, struct arena *a, const char *file);
struct str settings_run_path(
	const struct settings *s, struct arena *a, const char *file);

/* What crypto_key_open takes: server.seal_key, or its default place. */
struct str settings_seal_key(const struct settings *s, struct arena *a);

/* All values in effect, as a file that settings_load reads. */
void settings_write(const struct settings *s, struct sbuf *out);
