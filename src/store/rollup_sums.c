/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup_sums: a map from keys to rows. n counts what was added to a row: at 0
 * the row goes, so that what was added and subtracted leaves no trace.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/rollup_sums.h"
#include "store/table.h"

#include "base/poison.h"

#define BYTES_MAX ((size_t)16 << 20)
#define KEY_MAX 16384u /* of texts that are cut */

/* A row and its key as one text. */
struct sum {
	struct str key;
	struct rollup_row row;
};

struct rollup_sums {
	struct map *rows;    /* key -> struct sum, in arena */
	struct arena *arena; /* NULL: there are none */
	char key[KEY_MAX];   /* the one that is looked for */
};

struct rollup_sums *rollup_sums_new(void)
{
	return mem_must(sizeof(struct rollup_sums));
}

void rollup_sums_forget(struct rollup_sums *sums)
{
	map_free(&sums->rows);
	arena_free(&sums->arena);
}

void rollup_sums_free(struct rollup_sums **sums)
{
	if (*sums == NULL)
		return;
	rollup_sums_forget(*sums);
	mem_free(*sums);
	*sums = NULL;
}

/* The texts of a row in the order of the key. */
static void texts_of(struct rollup_series *of, struct str *texts[])
{
	texts[0] = &of->tenant;
	texts[1] = &of->domain;
	texts[2] = &of->policy_type;
	texts[3] = &of->k1;
	texts[4] = &of->k2;
	texts[5] = &of->k3;
}
#define N_TEXTS 6

/* Moves the texts of row into the key, each with a NUL, which none has. */
static struct str key_of(struct rollup_sums *sums, struct rollup_row *row)
{
	char *p = sums->key, *end = p + KEY_MAX;
	struct str *texts[N_TEXTS];

	texts_of(&row->of, texts);
	for (size_t i = 0; i < N_TEXTS; i++) {
		size_t n = texts[i]->n;

		BUG(n + 1 > (size_t)(end - p));
		if (n > 0)
			memcpy(p, texts[i]->p, n);
		p[n] = '\0';
		*texts[i] = (struct str){ p, n };
		p += n + 1;
		if (i != 1)
			continue;
		BUG(end - p < 2);
		*p++ = (char)row->of.kind;
		*p++ = (char)row->of.unproven;
	}
	BUG((size_t)(end - p) < sizeof(row->day));
	memcpy(p, &row->day, sizeof(row->day));
	p += sizeof(row->day);
	return (struct str){ sums->key, (size_t)(p - sums->key) };
}

/* With texts in its own copy of the key. */
static struct sum *sum_new(
	struct rollup_sums *sums, struct str key, const struct rollup_row *row)
{
	struct sum *sum = arena_alloc(sums->arena, sizeof(*sum));
	struct str *texts[N_TEXTS];

	BUG(sum == NULL);
	*sum = (struct sum){ arena_str(sums->arena, key), *row };
	BUG(sum->key.p == NULL);
	texts_of(&sum->row.of, texts);
	for (size_t i = 0; i < N_TEXTS; i++)
		texts[i]->p = sum->key.p + (texts[i]->p - sums->key);
	return sum;
}

static void add(struct rollup_sums *sums, struct rollup_row row)
{
	struct str key = key_of(sums, &row);
	struct sum *sum = map_get(sums->rows, key);

	if (sum == NULL) {
		sum = sum_new(sums, key, &row);
		(void)map_put(sums->rows, key, sum);
		return;
	}
	sum->row.n += row.n;
	sum->row.ok += row.ok;
	sum->row.failed += row.failed;
}

void rollup_sums_add(struct rollup_sums *sums, const struct rollup_row *row)
{
	struct rollup_row all = *row;

	if (sums->arena == NULL) {
		sums->arena = arena_must(0);
		sums->rows = map_new();
	}
	if (row->of.domain.n > 0)
		add(sums, *row);
	all.of.domain = STR("");
	add(sums, all);
}

bool rollup_sums_full(const struct rollup_sums *sums)
{
	return sums->arena != NULL && arena_used(sums->arena) > BYTES_MAX;
}

/* *changed: 0 if there is no such series. */
static enum status put_day(struct store *s, const struct rollup_row *r,
	int64_t *changed, struct err *e)
{
	return store_run(s,
		"INSERT INTO rollup (tenant, series, day, n, ok, failed) "
		"SELECT tenant, id, $1, $2, $3, $4 FROM series "
		"WHERE tenant = $5 AND domain = $6 AND kind = $7 AND "
		"policy_type = $8 AND unproven = $9 AND k1 = $10 AND k2 = $11 "
		"AND k3 = $12 "
		"ON CONFLICT (tenant, series, day) DO UPDATE SET "
		"n = rollup.n + excluded.n, ok = rollup.ok + excluded.ok, "
		"failed = rollup.failed + excluded.failed",
		ARGS(DB_I(r->day), DB_I(r->n), DB_I(r->ok), DB_I(r->failed),
			DB_T(r->of.tenant), DB_T(r->of.domain),
			DB_I((int64_t)r->of.kind), DB_T(r->of.policy_type),
			DB_I(r->of.unproven), DB_T(r->of.k1), DB_T(r->of.k2),
			DB_T(r->of.k3)),
		changed, e);
}

static enum status put(
	struct store *s, const struct rollup_row *r, struct err *e)
{
	int64_t changed = 0, id;
	enum status st = put_day(s, r, &changed, e);

	if (st != ST_OK || changed > 0)
		return st;
	st = rollup_series_add(s, &r->of, &id, e);
	return st == ST_OK ? put_day(s, r, &changed, e) : st;
}

/* Does nothing where the day has been dropped for its age. */
static enum status take(
	struct store *s, const struct rollup_row *r, struct err *e)
{
	int64_t series;
	enum status st = rollup_series_find(s, &r->of, &series, e);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	st = store_run(s,
		"UPDATE rollup SET n = n + $1, ok = ok + $2, failed = failed + "
		"$3 WHERE tenant = $4 AND series = $5 AND day = $6",
		ARGS(DB_I(r->n), DB_I(r->ok), DB_I(r->failed),
			DB_T(r->of.tenant), DB_I(series), DB_I(r->day)),
		NULL, e);
	if (st != ST_OK || r->n == 0)
		return st;
	return store_run(s,
		"DELETE FROM rollup WHERE tenant = $1 AND series = $2 AND "
		"day = $3 AND n <= 0",
		ARGS(DB_T(r->of.tenant), DB_I(series), DB_I(r->day)), NULL, e);
}

static int by_key(const void *a, const void *b)
{
	const struct sum *const *x = a, *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

static struct sum **sorted(struct rollup_sums *sums, size_t n)
{
	struct sum **all = arena_array(sums->arena, n, sizeof(struct sum *));
	struct str key;
	size_t at = 0, i = 0;
	void *value;

	BUG(all == NULL);
	while (map_next(sums->rows, &at, &key, &value))
		all[i++] = value;
	if (n > 0)
		qsort(all, n, sizeof(struct sum *), by_key);
	return all;
}

enum status rollup_sums_write(
	struct rollup_sums *sums, struct store *s, struct err *e)
{
	enum status st = ST_OK;
	struct sum **all;
	size_t n;

	if (sums->arena == NULL)
		return ST_OK;
	n = map_count(sums->rows);
	all = sorted(sums, n);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		const struct rollup_row *r = &all[i]->row;

		if (r->n > 0)
			st = put(s, r, e);
		else if (r->n < 0 || r->ok != 0 || r->failed != 0)
			st = take(s, r, e);
	}
	rollup_sums_forget(sums);
	return st;
}
