/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: reports on disk between the process that took them from a stranger and
 * the one that reads them. Four folders:
 *
 *     tmp/   being written; nothing here was acknowledged
 *     new/   complete, waiting for digest
 *     done/  read; kept raw so that they can be read again
 *     bad/   what could not be read
 *
 * A report is acknowledged (250, 201) only after: write to tmp/, fsync of the
 * file, rename into new/, fsync of the folder. A name that is in new/ is always
 * a whole file. Many processes may share one spool.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

#define SPOOL_ID_MAX 64		   /* bytes of a recipient ID */
#define SPOOL_REMOTE_MAX 64	   /* bytes of an address */
#define SPOOL_CONTENT_TYPE_MAX 256 /* bytes of a media type with parameters */
#define SPOOL_NAME_MAX 64	   /* bytes of a file name */

enum spool_source {
	SPOOL_POST,   /* HTTPS POST (RFC 8460 section 5.4) */
	SPOOL_IMPORT, /* handed in by an operator */
	SPOOL_MAIL,   /* taken by LMTP (RFC 8460 section 5.3) */
};

/* Which cap made ST_LIMIT. */
enum spool_limit {
	SPOOL_LIMIT_NONE,
	SPOOL_LIMIT_FILE,    /* one report is larger than max_file_bytes */
	SPOOL_LIMIT_BACKLOG, /* new/ holds max_files or max_bytes */
	SPOOL_LIMIT_DISK,    /* the file system is full, or its quota is */
};

struct spool_limits {
	uint64_t max_file_bytes;
	uint64_t max_bytes; /* in new/ */
	uint64_t max_files; /* in new/ */
};

#define SPOOL_LIMITS_DEFAULT                                                   \
	((struct spool_limits){ UINT64_C(16) << 20, UINT64_C(1) << 30, 100000 })

/* What is known about a report besides its bytes; all strs are borrowed. */
struct spool_meta {
	enum spool_source source;
	struct str id; /* recipient ID; may be empty for imports */
	struct unix_time received;
	struct str remote;	 /* the sender's address; may be empty */
	struct str content_type; /* as the sender said; may be empty */
};

struct spool;

/*
 * Opens the spool at dir, makes the folders that are missing (mode 0750) and
 * removes from tmp/ what writers that are gone have left. ST_PERM with the
 * reason when the folders cannot be made or opened. Safe before the sandbox
 * closes: later calls use descriptors and names relative to them.
 */
enum status spool_open(const char *dir, const struct spool_limits *limits,
	struct spool **out, struct err *e);
void spool_close(struct spool **s);

/*
 * Stores one report by the contract above and returns when it is durable; it
 * blocks, so front roles use spool_writer. name (may be NULL) gets the name in
 * new/. ST_LIMIT: a cap, *which (may be NULL) says which; ST_INVALID: a field
 * of meta is too long or has control characters; ST_TEMP: the disk failed.
 * Unless ST_OK the report must not be acknowledged.
 */
enum status spool_put(struct spool *s, const struct spool_meta *meta,
	struct str body, char name[SPOOL_NAME_MAX], enum spool_limit *which,
	struct err *e);

/*
 * The same in three steps, so that several reports share the last one: stage
 * any number, then one sync makes all of them durable.
 */
enum status spool_stage(struct spool *s, const struct spool_meta *meta,
	struct str body, char name[SPOOL_NAME_MAX], enum spool_limit *which,
	struct err *e);
enum status spool_sync(struct spool *s, struct err *e);

/* The word for a cap, as answers and logs give it, for example "backlog". */
const char *spool_limit_name(enum spool_limit which);
const char *spool_source_name(enum spool_source source);

enum spool_folder {
	SPOOL_NEW,
	SPOOL_DONE,
	SPOOL_BAD,
};

struct spool_names {
	struct str *items; /* oldest first */
	size_t n, cap;
};

/*
 * The names of the spool files in a folder, at most max of the oldest; ST_LIMIT
 * when the arena is used up, ST_TEMP when the folder cannot be read.
 */
enum status spool_list(struct spool *s, enum spool_folder folder, size_t max,
	struct arena *a, struct spool_names *out, struct err *e);

/*
 * Reads one report into the arena. ST_NOTFOUND: another reader has moved it;
 * ST_INVALID: no spool file, or not to be opened; ST_LIMIT: larger than the
 * arena or max_file_bytes.
 */
enum status spool_read(struct spool *s, enum spool_folder folder,
	struct str name, struct arena *a, struct spool_meta *meta,
	struct str *body, struct err *e);

/*
 * Moves a report to another folder, durably. ST_NOTFOUND when it is not there;
 * ST_INVALID when name is not one that spool_list gives.
 */
enum status spool_move(struct spool *s, enum spool_folder from,
	enum spool_folder to, struct str name, struct err *e);

/*
 * The same for n of them, with one sync for all; those that are not there are
 * passed over.
 */
enum status spool_move_all(struct spool *s, enum spool_folder from,
	enum spool_folder to, const struct str *names, size_t n, struct err *e);

/* When the report of that file name was received; false: it does not say. */
bool spool_name_received(struct str name, struct unix_time *out);

/* Removes a report. Statuses as spool_move. */
enum status spool_remove(struct spool *s, enum spool_folder folder,
	struct str name, struct err *e);
