/* SPDX-License-Identifier: Apache-2.0 */
/* table: rows to and from statements, by the column lists of the nouns. */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "base/wire.h"
#include "store/table.h"

#include "base/poison.h"

#define SQL_MAX 8192u
#define LIST_MAX_BYTES ((size_t)1 << 20)
#define SCRATCH_BYTES ((size_t)16 << 20)

/* ---- lists as one value ------------------------------------------------- */

static struct str lines_join(struct arena *a, const struct store_strs *list)
{
	struct sbuf b = sbuf_arena(a, LIST_MAX_BYTES);

	for (size_t i = 0; i < list->n; i++) {
		BUG(str_index(list->items[i], '\n') >= 0);
		if (i > 0)
			sbuf_addc(&b, '\n');
		sbuf_add(&b, list->items[i]);
	}
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

static bool lines_split(
	struct arena *a, struct str text, struct store_strs *out)
{
	size_t n = text.n > 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	*out = (struct store_strs){ arena_array(a, n, sizeof(struct str)), n };
	if (out->items == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		out->items[i] = arena_str(a, str_cut(&text, '\n'));
		if (out->items[i].p == NULL)
			return false;
	}
	return true;
}

static struct str blobs_join(struct arena *a, const struct store_strs *list)
{
	struct wire_out out;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += 4 + list->items[i].n;
	out = wire_out_of(arena_alloc(a, n + 1), n);
	if (out.p == NULL)
		return (struct str){};
	for (size_t i = 0; i < list->n; i++)
		wire_put_str(&out, list->items[i]);
	return wire_out_str(&out);
}

static bool blobs_split(
	struct arena *a, struct str bytes, struct store_strs *out)
{
	struct {
		struct str *items;
		size_t n, cap;
	} v = {};
	struct wire_in in = wire_in_of(bytes);

	while (wire_left(&in) > 0) {
		struct str item = arena_str(a, wire_str(&in));

		if (!wire_ok(&in) || item.p == NULL || !VEC_PUSH(a, &v, item))
			return false;
	}
	*out = (struct store_strs){ v.items, v.n };
	return true;
}

/* ---- text: what both engines take ---------------------------------------- */

/* Length of the UTF-8 sequence at s, 0 if it is none (RFC 3629) or a NUL. */
static size_t utf8_length(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	unsigned second_min = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	unsigned second_max = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

	if (c == 0 || (c >= 0x80 && c < 0xc2) || c > 0xf4 || s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s.p[i];

		if (next < (i == 1 ? second_min : 0x80) ||
			next > (i == 1 ? second_max : 0xbf))
			return 0;
	}
	return n;
}

/* Eight bytes of ASCII, none of them a NUL? */
static bool is_plain(const char *p)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ((v | (v - ones)) & ones << 7) == 0;
}

bool store_text_ok(struct str s)
{
	while (s.n > 0) {
		size_t n = s.n >= 8 && is_plain(s.p) ? 8 : utf8_length(s);

		if (n == 0)
			return false;
		s = (struct str){ s.p + n, s.n - n };
	}
	return true;
}

/* s with '?' for each byte that is none; p == NULL: no memory. */
static struct str text_mend(struct arena *a, struct str s)
{
	struct sbuf b = sbuf_arena(a, s.n);

	if (store_text_ok(s))
		return s.p == NULL ? STR("") : s;
	while (s.n > 0) {
		size_t n = utf8_length(s);

		if (n == 0)
			sbuf_addc(&b, '?');
		else
			sbuf_add(&b, str_upto(s, n));
		s = str_from(s, n == 0 ? 1 : n);
	}
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* ---- rows ---------------------------------------------------------------- */

static const void *field(const struct column *col, const void *row)
{
	return (const char *)row + col->offset;
}

static enum status column_arg(struct arena *a, const struct column *col,
	const void *row, struct db_arg *out, struct err *e)
{
	const void *p = field(col, row);

	switch (col->type) {
	case COL_TEXT:
		*out = DB_T(*(const struct str *)p);
		break;
	case COL_WORDS:
		*out = DB_T(text_mend(a, *(const struct str *)p));
		break;
	case COL_BYTES:
		*out = DB_T(*(const struct str *)p);
		out->type = DB_BYTES;
		break;
	case COL_INT:
		*out = DB_I(*(const int64_t *)p);
		break;
	case COL_BOOL:
		*out = DB_I(*(const bool *)p);
		break;
	case COL_ENUM:
		*out = DB_I(*(const unsigned *)p);
		break;
	case COL_LINES:
		*out = DB_T(lines_join(a, p));
		break;
	case COL_BLOBS:
		*out = DB_T(blobs_join(a, p));
		out->type = DB_BYTES;
		break;
	}
	if ((col->type >= COL_LINES || col->type == COL_WORDS) &&
		out->str.p == NULL)
		return err_set(e, ST_LIMIT, "%s is too long", col->name);
	if (out->type == DB_TEXT && !store_text_ok(out->str))
		return err_set(e, ST_INVALID, "%s is not UTF-8", col->name);
	return ST_OK;
}

static enum status column_read(struct store *s, struct arena *a,
	struct db_stmt *stmt, size_t i, const struct column *col, void *row,
	struct err *e)
{
	void *p = (char *)row + col->offset;
	bool fits = true;
	int64_t num = 0;

	switch (col->type) {
	case COL_TEXT:
	case COL_WORDS:
	case COL_BYTES:
		*(struct str *)p = arena_str(a, store_col_bytes(s, stmt, i));
		fits = ((struct str *)p)->p != NULL;
		break;
	case COL_INT:
		*(int64_t *)p = store_col_int(s, stmt, i);
		break;
	case COL_BOOL:
		*(bool *)p = store_col_int(s, stmt, i) != 0;
		break;
	case COL_ENUM:
		num = store_col_int(s, stmt, i);
		if (num < 0 || num > col->max)
			return err_set(e, ST_PERM,
				"database: %s has the unknown value %lld",
				col->name, (long long)num);
		*(unsigned *)p = (unsigned)num;
		break;
	case COL_LINES:
		fits = lines_split(a, store_col_bytes(s, stmt, i), p);
		break;
	case COL_BLOBS:
		fits = blobs_split(a, store_col_bytes(s, stmt, i), p);
		break;
	}
	return fits ? ST_OK : err_set(e, ST_LIMIT, "the row is too long");
}

static enum status row_read(struct store *s, struct arena *a,
	struct db_stmt *stmt, const struct table *t, void *row, struct err *e)
{
	memset(row, 0, t->row_size);
	for (size_t i = 0; i < t->n; i++) {
		enum status st = column_read(
			s, a, stmt, i, &t->columns[i], row, e);

		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* Binds the columns from..to of row, then those up to n_key if keys, runs. */
static enum status write_row(struct store *s, const struct table *t,
	const char *sql, size_t from, bool keys, const void *row,
	int64_t *changed, struct err *e)
{
	struct arena *a = arena_must(SCRATCH_BYTES);
	struct db_arg args[64];
	enum status st = ST_OK;
	size_t n = 0;

	BUG(t->n > sizeof(args) / sizeof(args[0]));
	for (size_t i = from; st == ST_OK && i < t->n; i++)
		st = column_arg(a, &t->columns[i], row, &args[n++], e);
	for (size_t i = 0; keys && st == ST_OK && i < t->n_key; i++)
		st = column_arg(a, &t->columns[i], row, &args[n++], e);
	if (st == ST_OK)
		st = store_run(s, sql, args, n, changed, e);
	arena_free(&a);
	return st;
}

/* ---- SQL from the column list -------------------------------------------- */

/* Written anew for each statement, so in the quickest way. */
static void add_names(struct sbuf *b, const struct table *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sbuf_addz(b, ", ");
		sbuf_addz(b, t->columns[i].name);
	}
}

/* $1, $2, ... */
static void add_place(struct sbuf *b, size_t no)
{
	BUG(no >= 100);
	sbuf_addc(b, '$');
	if (no >= 10)
		sbuf_addc(b, (char)('0' + no / 10));
	sbuf_addc(b, (char)('0' + no % 10));
}

static void add_insert(struct sbuf *b, const struct table *t)
{
	sbuf_addz(b, "INSERT INTO ");
	sbuf_addz(b, t->name);
	sbuf_addz(b, " (");
	add_names(b, t, t->n);
	sbuf_addz(b, ") VALUES (");
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			sbuf_addz(b, ", ");
		add_place(b, i + 1);
	}
	sbuf_addc(b, ')');
}

static void add_select(struct sbuf *b, const struct table *t, const char *tail)
{
	sbuf_addz(b, "SELECT ");
	add_names(b, t, t->n);
	sbuf_addz(b, " FROM ");
	sbuf_addz(b, t->name);
	sbuf_addc(b, ' ');
	sbuf_addz(b, tail);
}

static const char *sql_end(struct sbuf *b)
{
	sbuf_addc(b, '\0');
	BUG(!sbuf_ok(b));
	return b->p;
}

enum status table_insert(
	struct store *s, const struct table *t, const void *row, struct err *e)
{
	char text[SQL_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	add_insert(&b, t);
	return write_row(s, t, sql_end(&b), 0, false, row, NULL, e);
}

enum status table_upsert(
	struct store *s, const struct table *t, const void *row, struct err *e)
{
	char text[SQL_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	add_insert(&b, t);
	sbuf_addz(&b, " ON CONFLICT (");
	add_names(&b, t, t->n_key);
	sbuf_addz(&b, ") DO UPDATE SET ");
	for (size_t i = t->n_key; i < t->n; i++)
		sbuf_fmt(&b, "%s%s = excluded.%s", i > t->n_key ? ", " : "",
			t->columns[i].name, t->columns[i].name);
	return write_row(s, t, sql_end(&b), 0, false, row, NULL, e);
}

enum status table_update(
	struct store *s, const struct table *t, const void *row, struct err *e)
{
	char text[SQL_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	int64_t changed = 0;
	enum status st;
	size_t n = 1;

	sbuf_fmt(&b, "UPDATE %s SET ", t->name);
	for (size_t i = t->n_key; i < t->n; i++, n++)
		sbuf_fmt(&b, "%s%s = $%zu", n > 1 ? ", " : "",
			t->columns[i].name, n);
	for (size_t i = 0; i < t->n_key; i++, n++)
		sbuf_fmt(&b, "%s%s = $%zu", i > 0 ? " AND " : " WHERE ",
			t->columns[i].name, n);
	st = write_row(s, t, sql_end(&b), t->n_key, true, row, &changed, e);
	if (st == ST_OK && changed == 0)
		st = err_set(e, ST_NOTFOUND, "no such %s", t->name);
	return st;
}

enum status table_get(struct store *s, struct arena *a, const struct table *t,
	const char *tail, const struct db_arg *args, size_t n_args, void *out,
	struct err *e)
{
	char text[SQL_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	void *row = mem_must(t->row_size);
	struct db_stmt *stmt = NULL;
	enum status st;
	bool found;

	add_select(&b, t, tail);
	st = store_query(s, sql_end(&b), args, n_args, &stmt, e);
	if (st == ST_OK)
		st = store_step(s, stmt, &found, e);
	if (st == ST_OK && !found)
		st = err_set(e, ST_NOTFOUND, "no such %s", t->name);
	if (st == ST_OK)
		st = row_read(s, a, stmt, t, row, e);
	if (st == ST_OK)
		memcpy(out, row, t->row_size);
	if (stmt != NULL)
		store_done(s, stmt);
	mem_free(row);
	return st;
}

enum status table_list(struct store *s, struct arena *a, const struct table *t,
	const char *tail, const struct db_arg *args, size_t n_args, void *out,
	size_t *n, struct err *e)
{
	char text[SQL_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	size_t have = 0, cap = 0;
	struct db_stmt *stmt;
	void *rows = NULL;
	enum status st;
	bool more = true;

	add_select(&b, t, tail);
	st = store_query(s, sql_end(&b), args, n_args, &stmt, e);
	if (st != ST_OK)
		return st;
	while (st == ST_OK && more) {
		st = store_step(s, stmt, &more, e);
		if (st != ST_OK || !more)
			break;
		if (!vec_room(a, &rows, have, &cap, t->row_size))
			st = err_set(e, ST_LIMIT, "too many rows");
		else
			st = row_read(s, a, stmt, t,
				(char *)rows + have++ * t->row_size, e);
	}
	store_done(s, stmt);
	if (st == ST_OK) {
		*(void **)out = rows;
		*n = have;
	}
	return st;
}
