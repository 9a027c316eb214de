/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_writer_own: what the writer's three files share, and nobody else. */
#pragma once

#include <lmdb.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/wire.h"
#include "lmdb/lmdb_file.h"
#include "view/lmdb_flags.h"
#include "view/view_diff.h"
#include "view/view_value.h"
#include "view/view_writer.h"

/* Bytes: the serial and four more numbers end the rdata. */
#define SOA_SERIAL_FROM_END 20

struct view_writer {
	char path[LMDB_PATH_MAX], new_path[LMDB_PATH_MAX];
	struct view_writer_options opt;
	MDB_env *env;
	MDB_txn *txn; /* NULL between transactions */
	MDB_dbi dbi;
	bool unpublished; /* still at new_path */
	struct lmdb_guard guard;
	ino_t ino;
	struct mono last_commit;

	/* As of the last commit; the open transaction has its own state. */
	struct view_state state, next;
	struct arena *state_arena;
	struct view_zone zone; /* origin.n == 0: none */
	struct arena *zone_arena;
	struct view_zone old_zone; /* before the bump not yet committed */
	struct arena *old_arena;

	/* The names touched in this transaction as they were before it. */
	struct view_diff *diff; /* NULL while building */
	size_t journal_steps;
	unsigned char *scratch; /* VIEW_VALUE_MAX */
};

/*
 * Ends the transaction and says why, by LMDB's code: ST_LIMIT the file is full,
 * ST_TEMP the disk failed, ST_PERM else. w may be NULL.
 */
enum status lmdb_writer_failed(struct view_writer *w, int rc, struct err *e);

/* Ends the transaction: what was read makes no sense. ST_PERM. */
enum status lmdb_writer_damaged(struct view_writer *w, struct err *e);

/*
 * One value in the open transaction. get gives LMDB's code, and *value is
 * borrowed until the next write; put: ST_INVALID if out has failed; del of what
 * is not there is fine. After another status the transaction is over.
 */
int lmdb_writer_get(struct view_writer *w, struct str key, struct str *value);
enum status lmdb_writer_put(struct view_writer *w, struct str key,
	const struct wire_out *out, struct err *e);
enum status lmdb_writer_del(
	struct view_writer *w, struct str key, struct err *e);

/* Room for one value, the same for all. */
struct wire_out lmdb_writer_scratch(struct view_writer *w);

static inline struct str view_key_str(const struct view_key *key)
{
	return (struct str){ key->p, key->n };
}

/* ---- lmdb_zone.c ---- */

/* Makes w->zone a copy of zone with the serial put into its SOA. */
void lmdb_zone_take(
	struct view_writer *w, const struct view_zone *zone, uint32_t serial);

/* Writes w->zone. */
enum status lmdb_zone_put(struct view_writer *w, struct err *e);

/*
 * Writes a name, at the apex with the SOA of w->zone; without records it is
 * removed.
 */
enum status lmdb_zone_write_name(struct view_writer *w,
	const struct view_key *key, struct view_name *name, struct err *e);

/* The apex again, with the SOA as it is now. */
enum status lmdb_zone_rewrite_apex(struct view_writer *w, struct err *e);

/* Counts the journal's steps in a file that was there. */
enum status lmdb_zone_count_steps(struct view_writer *w, struct err *e);

/* If the transaction changed records: the new serial, SOA and step. */
enum status lmdb_zone_commit(struct view_writer *w, struct err *e);

/* After the commit: forgets the old zone, or goes back to it. */
void lmdb_zone_settle(struct view_writer *w, bool committed);
