/* SPDX-License-Identifier: Apache-2.0 */
/* table: columns for a terminal. */
#include "base/bug.h"
#include "base/sbuf.h"
#include "base/vec.h"
#include "cli/table.h"

#include "base/poison.h"

#define GAP "  "

struct table table_of(struct arena *a, const char *const *heads, size_t columns)
{
	BUG(columns == 0 || columns > TABLE_COLUMNS_MAX);
	return (struct table){ .arena = a, .heads = heads, .columns = columns };
}

struct table_row *table_add(struct table *t)
{
	struct table_row row = {};

	BUG(!VEC_PUSH(t->arena, t, row));
	return &t->items[t->n - 1];
}

struct str table_text(struct table *t, struct str s)
{
	struct sbuf b = sbuf_arena(t->arena, 4 * s.n + 1);

	sbuf_escaped(&b, s);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

struct str table_number(struct table *t, int64_t n)
{
	struct str s = arena_fmt(t->arena, "%lld", (long long)n);

	BUG(s.p == NULL);
	return s;
}

static bool is_right(const char *head)
{
	return head[0] == '>';
}

static struct str head_of(const struct table *t, size_t column)
{
	return str_from(
		str_of(t->heads[column]), is_right(t->heads[column]) ? 1 : 0);
}

/* Nothing stands behind the last column, so that it may be long. */
static struct str cell_of(const struct table *t, size_t row, size_t column)
{
	struct str s = t->items[row].cells[column];

	if (column + 1 == t->columns || s.n <= TABLE_CELL_MAX)
		return s;
	s = arena_fmt(t->arena, "%.*s...", (int)TABLE_CELL_MAX - 3, s.p);
	BUG(s.p == NULL);
	return s;
}

static int width_of(const struct table *t, size_t column)
{
	size_t width = head_of(t, column).n;

	for (size_t i = 0; i < t->n; i++)
		if (cell_of(t, i, column).n > width)
			width = cell_of(t, i, column).n;
	return (int)width;
}

static void print_cell(const struct cli *cli, const struct table *t,
	size_t column, struct str s, int width)
{
	if (is_right(t->heads[column]))
		(void)fprintf(cli->out, "%*.*s", width, STR_ARG(s));
	else if (column + 1 == t->columns)
		(void)fprintf(cli->out, "%.*s", STR_ARG(s));
	else
		(void)fprintf(cli->out, "%-*.*s", width, STR_ARG(s));
	(void)fputs(column + 1 == t->columns ? "\n" : GAP, cli->out);
}

static void print_heads(const struct cli *cli, const struct table *t,
	const char *indent, const int *widths)
{
	(void)fprintf(cli->out, "%s%s", cli_bold(cli), indent);
	for (size_t c = 0; c < t->columns; c++)
		print_cell(cli, t, c, head_of(t, c), widths[c]);
	(void)fputs(cli_plain(cli), cli->out);
}

void table_print(
	const struct cli *cli, const struct table *t, const char *indent)
{
	int widths[TABLE_COLUMNS_MAX];

	for (size_t c = 0; c < t->columns; c++)
		widths[c] = width_of(t, c);
	if (!t->no_heads)
		print_heads(cli, t, indent, widths);
	for (size_t i = 0; i < t->n; i++) {
		(void)fputs(indent, cli->out);
		for (size_t c = 0; c < t->columns; c++)
			print_cell(cli, t, c, cell_of(t, i, c), widths[c]);
	}
}
