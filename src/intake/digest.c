/* SPDX-License-Identifier: Apache-2.0 */
/* digest: one file after the other. */
#include "base/log.h"
#include "base/mem.h"
#include "intake/digest.h"
#include "intake/digest_known.h"
#include "intake/digest_rows.h"
#include "intake/dkim_verdict.h"

#include "base/poison.h"

/* One file: raw bytes, the child's answer, the parent's reading, rows. */
#define FILE_ARENA_MAX ((size_t)1 << 30)

/* Reports that come together share most of their sums, so that many files in
 * one transaction cost less; but what was read waits for the others. */
#define BATCH_FILES 1000u
#define BATCH_BYTES ((size_t)64 << 20) /* in the arenas of its files */
#define READ_MS 250
#define STORE_MS 250 /* with the write lock held */

/* Files that share one transaction and one sync of the spool. */
struct batch {
	struct digest_known *known;
	struct digest_file files[BATCH_FILES];
	size_t n;
	size_t bytes; /* of memory */
};

/* A key that cannot be had now may be had later; not for ever. */
static bool waits_for_key(const struct digest *d, const struct digest_file *f)
{
	int64_t age_s = clock_now(d->clock).s - f->meta.received.s;
	int64_t tried_ms = digest_later_since_ms(
		d->later, f->name, clock_mono(d->clock));

	if (f->meta.source != SPOOL_MAIL ||
		(age_s > DIGEST_KEY_WAIT_S &&
			tried_ms >= 1000 * DIGEST_KEY_TRY_S) ||
		digest_later_count(d->later) > DIGEST_LATER_MAX / 2)
		return false;
	for (size_t i = 0; i < f->reports.n; i++) {
		struct dkim_verdict v = dkim_verdict_of(&f->reports, i);

		if (v.result == DKIM_RESULT_TEMP && v.aligned)
			return true;
	}
	return false;
}

/* With an id made while the write lock is held: they sort as commits do. */
static enum status store_report(const struct digest *d,
	const struct digest_file *f, struct store_report *row, struct err *e)
{
	bool added = false;
	enum status st;

	row->id = store_new_id(f->arena);
	st = store_report_add(d->store, row, &added, e);
	if (st == ST_OK)
		LOG(LOG_INFO, added ? "report.stored" : "report.duplicate",
			KV_STR("file", f->name), KV_STR("domain", row->domain),
			KV_STR("org", row->org), KV_STR("id", row->report_id),
			KV_Z("via", spool_source_name(f->meta.source)),
			KV_Z("state", store_report_state_name(row->state)),
			KV_STR("proof", row->proof), KV_STR("why", row->why));
	return st;
}

/* What an earlier reading of the file has left; most have not been read. */
static enum status forget_rows(
	const struct digest *d, struct str name, struct err *e)
{
	bool there = false;
	enum status st = store_report_has_raw(d->store, name, &there, e);

	if (st == ST_OK && there)
		st = store_report_drop_raw(d->store, name, e);
	return st == ST_OK ? store_bad_report_drop(d->store, name, e) : st;
}

/*
 * All reports of the files, or none; *n: how many files, at first those that
 * there are. Others wait for the write lock: what takes long is stopped.
 */
static enum status store_files(const struct digest *d,
	struct digest_file *files, size_t *n, struct err *e)
{
	int64_t end_ms = clock_mono(d->clock).ms + STORE_MS;
	enum status st = store_begin(d->store, e);
	size_t i = 0;

	do {
		const struct digest_file *f = &files[i];

		if (st == ST_OK)
			st = forget_rows(d, f->name, e);
		for (size_t k = 0; st == ST_OK && k < f->reports.n; k++)
			st = store_report(d, f, &f->rows[k], e);
	} while (++i < *n && st == ST_OK && clock_mono(d->clock).ms < end_ms);
	if (st == ST_OK)
		st = store_commit(d->store, e);
	if (st != ST_OK) {
		store_rollback(d->store);
		return st;
	}
	*n = i;
	while (i > 0)
		files[--i].budgeted = 0;
	return ST_OK;
}

/* Files */

/*
 * The disk would not read or move this file: it waits by itself. Not ST_OK:
 * too many do.
 */
static enum status put_off(const struct digest *d, struct str name,
	const struct err *why, struct err *e)
{
	if (digest_later_put(d->later, name, why, clock_mono(d->clock)))
		return ST_OK;
	return err_set(e, ST_TEMP, "%s", why->text);
}

/* To another folder, now or later. */
static enum status move_file(const struct digest *d, struct str name,
	enum spool_folder to, struct err *e)
{
	struct err why = {};
	enum status st = spool_move(d->spool, SPOOL_NEW, to, name, &why);

	if (st != ST_OK && st != ST_NOTFOUND)
		return put_off(d, name, &why, e);
	digest_later_drop(d->later, name);
	return ST_OK;
}

/* With one sync for all; if that fails, whatever can go goes. */
static enum status move_done(const struct digest *d,
	const struct digest_file *files, size_t n, struct err *e)
{
	struct str names[BATCH_FILES] = {};
	enum status st;

	for (size_t i = 0; i < n; i++)
		names[i] = files[i].name;
	st = spool_move_all(d->spool, SPOOL_NEW, SPOOL_DONE, names, n, NULL);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		digest_later_drop(d->later, names[i]);
	if (st == ST_OK)
		return ST_OK;
	st = ST_OK;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = move_file(d, names[i], SPOOL_DONE, e);
	return st;
}

/* Away with what cannot be read; the reason first, so that it is never lost. */
static enum status set_aside(const struct digest *d, struct digest_file *f,
	const struct err *why, struct err *e)
{
	struct store_bad_report bad = {
		.name = f->name,
		.via = str_of(spool_source_name(f->meta.source)),
		.label = f->meta.id,
		.remote = f->meta.remote,
		.received = f->meta.received.s,
		.bytes = (int64_t)f->body.n,
		.reason = str_of(why->text),
	};
	enum status st = store_bad_report_put(d->store, &bad, e);

	if (st == ST_OK)
		st = move_file(d, f->name, SPOOL_BAD, e);
	LOG(LOG_WARN, "report.unreadable", KV_STR("file", f->name),
		KV_STR("id", f->meta.id), KV_STR("remote", f->meta.remote),
		KV_Z("reason", why->text));
	return st;
}

/* The file's own fault: it will not get better by waiting. */
static bool is_own_fault(enum status st)
{
	return st == ST_INVALID || st == ST_LIMIT;
}

/* What was not stored is tried again, or never: it has taken nothing. */
static void give_budget(const struct digest *d, struct digest_file *f)
{
	while (f->budgeted > 0)
		digest_budget_give(d->budget, &f->rows[--f->budgeted]);
}

/* An operator's own files have no budget. */
static enum status take_budget(
	const struct digest *d, struct digest_file *f, struct err *e)
{
	enum status st = ST_OK;

	if (d->budget == NULL || f->meta.source == SPOOL_IMPORT)
		return ST_OK;
	while (st == ST_OK && f->budgeted < f->reports.n) {
		st = digest_budget_take(d->budget, &f->rows[f->budgeted], e);
		f->budgeted += st == ST_OK;
	}
	if (st != ST_OK)
		give_budget(d, f);
	return st;
}

/*
 * What becomes of a file that makes no rows. own: the failure is this file's
 * alone, though it may be better later; else it is told in e.
 */
static enum status give_up(const struct digest *d, struct digest_file *f,
	enum status st, bool own, const struct err *why, struct err *e)
{
	if (is_own_fault(st))
		return set_aside(d, f, why, e);
	if (own && st == ST_NOTFOUND)
		return ST_OK; /* another digest was faster */
	if (own)
		return put_off(d, f->name, why, e);
	if (e != NULL)
		*e = *why;
	return st;
}

/* What is read at once. */
struct reading {
	struct digest_file files[DIGEST_READ_FILES];
	struct digest_item items[DIGEST_READ_FILES];
	size_t n;
	size_t bytes;
};

static enum status reading_add(const struct digest *d, struct reading *r,
	struct str name, struct err *e)
{
	struct digest_file *f = &r->files[r->n];
	struct err why = {};
	enum status st;

	*f = (struct digest_file){ .arena = arena_must(FILE_ARENA_MAX),
		.name = name };
	st = spool_read(
		d->spool, SPOOL_NEW, name, f->arena, &f->meta, &f->body, &why);
	if (st == ST_OK) {
		r->items[r->n++] = (struct digest_item){ .arena = f->arena,
			.raw = f->body,
			.received = f->meta.received };
		r->bytes += f->body.n;
		return ST_OK;
	}
	st = give_up(d, f, st, true, &why, e);
	arena_free(&f->arena);
	return st;
}

/* A file that was read goes into the batch, or is set aside. */
static enum status batch_add(const struct digest *d, struct batch *b,
	struct digest_file *f, struct digest_item *item, struct err *e)
{
	enum status st = item->st;
	bool own = false;

	f->reports = item->reports;
	if (st == ST_OK && waits_for_key(d, f)) {
		own = true;
		st = err_set(&item->err, ST_TEMP,
			"the key of its signature cannot be "
			"looked up");
	}
	if (st == ST_OK)
		st = digest_rows_make(f, b->known, &item->err);
	if (st == ST_OK)
		st = take_budget(d, f, &item->err);
	if (st != ST_OK)
		return give_up(d, f, st, own, &item->err, e);
	b->files[b->n++] = *f;
	b->bytes += arena_used(f->arena);
	f->arena = NULL;
	return ST_OK;
}

/* Reads some more files into the batch; *i moves past them. */
static enum status batch_read(const struct digest *d, struct batch *b,
	struct spool_names *names, size_t *i, struct err *e)
{
	struct reading *r = mem_must(sizeof(*r));
	enum status st = ST_OK;
	size_t done = 0;

	while (st == ST_OK && *i < names->n && b->n + r->n < BATCH_FILES &&
		r->n < DIGEST_READ_FILES && r->bytes < DIGEST_READ_BYTES)
		st = reading_add(d, r, names->items[(*i)++], e);
	if (st == ST_OK)
		st = digest_reader_read(d->reader, r->items, r->n, &done, e);
	for (size_t k = 0; st == ST_OK && k < done; k++)
		st = batch_add(d, b, &r->files[k], &r->items[k], e);
	for (size_t k = r->n; st == ST_OK && k > done; k--)
		names->items[--*i] = r->files[k - 1].name; /* next time */
	for (size_t k = 0; k < r->n; k++)
		arena_free(&r->files[k].arena);
	mem_free(r);
	return st;
}

/*
 * Stores files, then moves them: in this order, see digest.h. One that none of
 * the others may suffer from is looked for by halves.
 */
static enum status batch_store(const struct digest *d,
	struct digest_file *files, size_t n, struct err *e)
{
	enum status st = ST_OK;
	size_t stored = n;
	struct err why = {};

	while (st == ST_OK && n > 0) {
		st = store_files(d, files, &stored, &why);
		if (st == ST_OK)
			st = move_done(d, files, stored, e);
		else if (is_own_fault(st) && n == 1)
			st = set_aside(d, files, &why, e);
		else if (is_own_fault(st)) {
			stored = n / 2;
			st = batch_store(d, files, stored, e);
		} else if (e != NULL)
			*e = why;
		files += stored;
		n -= stored;
		stored = n;
	}
	return st;
}

static void batch_clear(const struct digest *d, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		give_budget(d, &b->files[i]);
		arena_free(&b->files[i].arena);
	}
	digest_known_free(&b->known);
	b->n = b->bytes = 0;
}

/* Reads files into the batch until it is worth storing. */
static enum status batch_fill(const struct digest *d, struct batch *b,
	struct spool_names *names, size_t *i, struct err *e)
{
	int64_t end_ms = clock_mono(d->clock).ms + READ_MS;
	enum status st;

	b->known = digest_known_new(d->store);
	do
		st = batch_read(d, b, names, i, e);
	while (st == ST_OK && *i < names->n && b->n < BATCH_FILES &&
		b->bytes < BATCH_BYTES && clock_mono(d->clock).ms < end_ms);
	return st;
}

/* The oldest files that need not wait. */
static enum status list_files(const struct digest *d, size_t max,
	struct arena *a, struct spool_names *out, struct err *e)
{
	struct mono now = clock_mono(d->clock);
	struct spool_names names = {};
	size_t n = 0;
	enum status st = spool_list(d->spool, SPOOL_NEW,
		max + digest_later_count(d->later), a, &names, e);

	for (size_t i = 0; st == ST_OK && i < names.n && n < max; i++)
		if (!digest_later_waits(d->later, names.items[i], now))
			names.items[n++] = names.items[i];
	names.n = n;
	*out = names;
	return st;
}

enum status digest_run(
	const struct digest *d, size_t max, size_t *done, struct err *e)
{
	struct batch *b = mem_must(sizeof(*b));
	struct arena *a = arena_must(0);
	struct spool_names names = {};
	enum status st;
	size_t i = 0;

	*done = 0;
	st = list_files(d, max, a, &names, e);
	while (st == ST_OK && i < names.n) {
		st = batch_fill(d, b, &names, &i, e);
		if (st == ST_OK)
			st = batch_store(d, b->files, b->n, e);
		batch_clear(d, b);
		if (st == ST_OK)
			*done = i;
	}
	arena_free(&a);
	mem_free(b);
	return st;
}
