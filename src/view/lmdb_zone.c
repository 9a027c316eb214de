/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_zone: the hosted zone as the writer keeps it: the SOA beside the other
 * records of the apex, a serial that goes up once with each commit that changed
 * records, and the journal of those steps for IXFR (RFC 1995).
 */
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "proto/dns_rr.h"
#include "view/lmdb_writer_own.h"

#include "base/poison.h"

/* A copy of the zone with the serial put into the SOA. */
void lmdb_zone_take(
	struct view_writer *w, const struct view_zone *zone, uint32_t serial)
{
	struct arena *a = arena_must(0);
	struct view_zone z = {
		.origin = arena_str(a, zone->origin),
		.serial = serial,
		.soa_ttl = zone->soa_ttl,
		.soa = arena_str(a, zone->soa),
	};
	struct wire_out at;
	char *soa = arena_alloc(a, z.soa.n);

	BUG(z.soa.n < SOA_SERIAL_FROM_END);
	memcpy(soa, z.soa.p, z.soa.n);
	at = wire_out_of(soa + z.soa.n - SOA_SERIAL_FROM_END, 4);
	wire_put_u32(&at, serial);
	z.soa.p = soa;
	arena_free(&w->zone_arena);
	w->zone_arena = a;
	w->zone = z;
}

enum status lmdb_zone_put(struct view_writer *w, struct err *e)
{
	struct wire_out out = lmdb_writer_scratch(w);

	view_zone_write(&out, &w->zone);
	return lmdb_writer_put(w, VIEW_KEY_ZONE, &out, e);
}

/* Puts the SOA of w->zone beside sets and writes the name. */
enum status lmdb_zone_write_name(struct view_writer *w,
	const struct view_key *key, struct view_name *name, struct err *e)
{
	struct view_rrset soa = { DNS_TYPE_SOA, w->zone.soa_ttl, &w->zone.soa,
		1 };
	bool apex = str_eq_nocase(name->owner, w->zone.origin);
	struct arena *a = arena_must(0);
	struct wire_out out = lmdb_writer_scratch(w);
	struct view_name all = { .owner = name->owner };
	enum status st;

	all.sets = arena_array(a, name->n + 1, sizeof(*all.sets));
	if (apex)
		all.sets[all.n++] = soa;
	for (size_t i = 0; i < name->n; i++)
		if (name->sets[i].type != DNS_TYPE_SOA)
			all.sets[all.n++] = name->sets[i];
	if (all.n == 0) {
		st = lmdb_writer_del(w, view_key_str(key), e);
	} else {
		view_name_write(&out, &all);
		st = lmdb_writer_put(w, view_key_str(key), &out, e);
	}
	arena_free(&a);
	return st;
}

/* The apex again, with the SOA as it is now. */
enum status lmdb_zone_rewrite_apex(struct view_writer *w, struct err *e)
{
	struct arena *a = arena_must(0);
	struct view_name name = { .owner = w->zone.origin };
	struct view_key key;
	enum status st = view_key_name(w->zone.origin, &key);
	struct str value;
	int rc;

	BUG(st != ST_OK);
	rc = lmdb_writer_get(w, view_key_str(&key), &value);
	if (rc == 0) {
		/* The value moves when the page is written: read a copy. */
		st = view_name_read(a, arena_str(a, value), &name);
		if (st != ST_OK)
			st = lmdb_writer_damaged(w, e);
	} else if (rc != MDB_NOTFOUND) {
		st = lmdb_writer_failed(w, rc, e);
	}
	if (st == ST_OK)
		st = lmdb_zone_write_name(w, &key, &name, e);
	arena_free(&a);
	return st;
}

/* Drops journal steps from the front until at most keep are left. */
static enum status journal_trim(
	struct view_writer *w, size_t keep, struct err *e)
{
	char prefix = VIEW_KEY_JOURNAL;
	MDB_cursor *cursor = NULL;
	int rc = 0;

	if (w->journal_steps <= keep)
		return ST_OK;
	rc = mdb_cursor_open(w->txn, w->dbi, &cursor);
	while (rc == 0 && w->journal_steps > keep) {
		MDB_val key = { 1, &prefix };
		MDB_val value;

		rc = lmdb_move(cursor, &key, &value, MDB_SET_RANGE);
		if (rc == 0 && *(char *)key.mv_data != VIEW_KEY_JOURNAL)
			rc = MDB_NOTFOUND;
		if (rc == 0)
			rc = mdb_cursor_del(cursor, 0);
		w->journal_steps--;
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK
					     : lmdb_writer_failed(w, rc, e);
}

static enum status journal_add(
	struct view_writer *w, const struct view_step *step, struct err *e)
{
	struct wire_out out = lmdb_writer_scratch(w);
	struct view_key key;
	enum status st;

	view_step_write(&out, step);
	/* A step too long to keep: IXFR cannot go back behind it. */
	if (out.failed)
		return journal_trim(w, 0, e);
	view_key_journal(step->from, &key);
	st = lmdb_writer_put(w, view_key_str(&key), &out, e);
	if (st != ST_OK)
		return st;
	w->journal_steps++;
	return journal_trim(w, w->opt.journal_steps, e);
}

static uint32_t next_serial(uint32_t serial)
{
	uint32_t now = (uint32_t)clock_now(clock_system()).s;

	return dns_serial_newer(now, serial) ? now : serial + 1;
}

/* Fills in what the touched names are now. */
static enum status diff_finish(struct view_writer *w, struct err *e)
{
	struct str owner;
	size_t at = 0;

	while (view_diff_next(w->diff, &at, &owner)) {
		struct view_key key;
		struct str value = {};
		int rc;

		BUG(view_key_name(owner, &key) != ST_OK);
		rc = lmdb_writer_get(w, view_key_str(&key), &value);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return lmdb_writer_failed(w, rc, e);
		if (!view_diff_after(w->diff, owner, value))
			return lmdb_writer_damaged(w, e);
	}
	return ST_OK;
}

/* Serial, SOA and journal of a commit that changed names. */
static enum status bump(struct view_writer *w, struct err *e)
{
	struct view_step step = { .from = w->zone.serial };
	struct view_zone old = w->zone;
	enum status st;

	w->old_zone = old;
	w->old_arena = w->zone_arena;
	w->zone_arena = NULL;
	step.to = next_serial(old.serial);
	lmdb_zone_take(w, &old, step.to);
	view_diff_step(w->diff, &old, &w->zone, &step);
	st = lmdb_zone_rewrite_apex(w, e);
	if (st == ST_OK)
		st = lmdb_zone_put(w, e);
	if (st == ST_OK)
		st = journal_add(w, &step, e);
	return st;
}

enum status lmdb_zone_commit(struct view_writer *w, struct err *e)
{
	enum status st;

	if (w->diff == NULL || w->zone.origin.n == 0)
		return ST_OK;
	st = diff_finish(w, e);
	return st == ST_OK && view_diff_any(w->diff) ? bump(w, e) : st;
}

void lmdb_zone_settle(struct view_writer *w, bool committed)
{
	if (w->old_arena == NULL)
		return;
	if (committed) {
		arena_free(&w->old_arena);
		return;
	}
	arena_free(&w->zone_arena);
	w->zone_arena = w->old_arena;
	w->zone = w->old_zone;
	w->old_arena = NULL;
}

enum status lmdb_zone_count_steps(struct view_writer *w, struct err *e)
{
	char prefix = VIEW_KEY_JOURNAL;
	MDB_val key = { 1, &prefix };
	MDB_cursor *cursor;
	MDB_val value;
	int rc;

	rc = mdb_cursor_open(w->txn, w->dbi, &cursor);
	if (rc != 0)
		return lmdb_writer_failed(w, rc, e);
	rc = lmdb_move(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && *(char *)key.mv_data == VIEW_KEY_JOURNAL) {
		w->journal_steps++;
		rc = lmdb_move(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK
					     : lmdb_writer_failed(w, rc, e);
}
