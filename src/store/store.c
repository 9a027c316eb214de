/* SPDX-License-Identifier: Apache-2.0 */
/* store: the connection, its statements, its transactions, and ids. */
#include <sys/random.h>
#include <time.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/rollup_sums.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

struct store {
	const struct db_ops *ops;
	struct db *db;
	struct map *statements;	  /* SQL text -> struct db_stmt */
	struct rollup_sums *sums; /* of reports, written before a commit */
	bool in_transaction;
};

void store_close(struct store **s)
{
	struct str sql;
	size_t at = 0;
	void *value;

	if (*s == NULL)
		return;
	store_rollback(*s);
	while (map_next((*s)->statements, &at, &sql, &value)) {
		struct db_stmt *stmt = value;

		(*s)->ops->finalize(&stmt);
	}
	map_free(&(*s)->statements);
	rollup_sums_free(&(*s)->sums);
	(*s)->ops->close(&(*s)->db);
	mem_free(*s);
	*s = NULL;
}

enum status store_open(const char *target, struct store **out, struct err *e)
{
	struct store *s = mem_must(sizeof(*s));
	enum status st;

	s->ops = &sqlite_ops;
	s->statements = map_new();
	s->sums = rollup_sums_new();
	if (str_starts(str_of(target), STR("postgresql:")))
		st = err_set(e, ST_PERM,
			"%s: this build has no PostgreSQL engine", target);
	else
		st = s->ops->open(target, &s->db, e);
	if (st == ST_OK)
		st = store_migrate(s, e);
	if (st == ST_OK) {
		*out = s;
		s = NULL;
	}
	store_close(&s);
	return st;
}

bool store_in_transaction(const struct store *s)
{
	return s->in_transaction;
}

enum status store_begin(struct store *s, struct err *e)
{
	enum status st;

	BUG(s->in_transaction);
	st = s->ops->begin(s->db, e);
	s->in_transaction = st == ST_OK;
	return st;
}

void store_rollback(struct store *s)
{
	if (s->in_transaction)
		s->ops->rollback(s->db);
	rollup_sums_forget(s->sums);
	s->in_transaction = false;
}

enum status store_commit(struct store *s, struct err *e)
{
	enum status st;

	BUG(!s->in_transaction);
	st = rollup_sums_write(s->sums, s, e);
	if (st == ST_OK)
		st = s->ops->commit(s->db, e);
	if (st == ST_OK)
		s->in_transaction = false;
	else
		store_rollback(s);
	return st;
}

enum status store_join(struct store *s, bool *own, struct err *e)
{
	*own = !s->in_transaction;
	return *own ? store_begin(s, e) : ST_OK;
}

enum status store_leave(
	struct store *s, bool own, enum status st, struct err *e)
{
	if (!own)
		return st;
	if (st == ST_OK)
		return store_commit(s, e);
	store_rollback(s);
	return st;
}

const char *store_in_key_order(const struct store *s)
{
	return s->ops->in_key_order;
}

struct rollup_sums *store_sums(struct store *s)
{
	return s->sums;
}

enum status store_script(struct store *s, const char *script, struct err *e)
{
	return s->ops->exec(s->db, script, e);
}

enum status store_query(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, struct db_stmt **out,
	struct err *e)
{
	struct db_stmt *stmt = map_get(s->statements, str_of(sql));
	enum status st;

	if (stmt == NULL) {
		st = s->ops->prepare(s->db, sql, &stmt, e);
		if (st != ST_OK)
			return st;
		BUG(map_put(s->statements, str_of(sql), stmt) != NULL);
	}
	st = s->ops->bind(stmt, args, n_args, e);
	if (st != ST_OK) {
		s->ops->reset(stmt);
		return st;
	}
	*out = stmt;
	return ST_OK;
}

enum status store_step(
	struct store *s, struct db_stmt *stmt, bool *row, struct err *e)
{
	return s->ops->step(stmt, row, e);
}

int64_t store_col_int(struct store *s, struct db_stmt *stmt, size_t i)
{
	return s->ops->col_int(stmt, i);
}

struct str store_col_bytes(struct store *s, struct db_stmt *stmt, size_t i)
{
	return s->ops->col_bytes(stmt, i);
}

void store_done(struct store *s, struct db_stmt *stmt)
{
	s->ops->reset(stmt);
}

enum status store_run(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, int64_t *changed,
	struct err *e)
{
	struct db_stmt *stmt;
	enum status st;
	bool row;

	st = store_query(s, sql, args, n_args, &stmt, e);
	if (st != ST_OK)
		return st;
	st = s->ops->step(stmt, &row, e);
	if (st == ST_OK && changed != NULL)
		*changed = s->ops->changed(stmt);
	s->ops->reset(stmt);
	return st;
}

enum status store_ints(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, int64_t *out, size_t n,
	struct err *e)
{
	struct db_stmt *stmt;
	enum status st;
	bool row;

	st = store_query(s, sql, args, n_args, &stmt, e);
	if (st != ST_OK)
		return st;
	st = s->ops->step(stmt, &row, e);
	if (st == ST_OK && !row)
		st = err_set(e, ST_NOTFOUND, "no such row");
	for (size_t i = 0; st == ST_OK && i < n; i++)
		out[i] = s->ops->col_int(stmt, i);
	s->ops->reset(stmt);
	return st;
}

struct str store_new_id(struct arena *a)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned char raw[16];
	struct timespec now;
	uint64_t ms, ns;
	char text[26];

	BUG(clock_gettime(CLOCK_REALTIME, &now) != 0);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	ns = (uint64_t)now.tv_nsec % 1000000;
	for (size_t i = 0; i < 6; i++)
		raw[i] = (unsigned char)(ms >> (40 - 8 * i));
	for (size_t i = 0; i < 3; i++)
		raw[6 + i] = (unsigned char)(ns >> (16 - 8 * i));
	BUG(getrandom(raw + 9, 7, 0) != 7);
	/* 128 bits, five at a time from the top; the last digit has three. */
	for (size_t i = 0; i < sizeof(text); i++) {
		size_t bit = i * 5;
		unsigned two = (unsigned)raw[bit / 8] << 8;

		if (bit / 8 + 1 < sizeof(raw))
			two |= raw[bit / 8 + 1];
		text[i] = digits[two >> (11 - bit % 8) & 31];
	}
	return arena_str(a, (struct str){ text, sizeof(text) });
}
