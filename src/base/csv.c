/* SPDX-License-Identifier: Apache-2.0 */
/* csv: RFC 4180, safe for spreadsheets. */
#include "base/csv.h"

#include "base/poison.h"

struct csv_writer csv_writer_of(struct sbuf *out)
{
	return (struct csv_writer){ .out = out };
}

static void begin_cell(struct csv_writer *w)
{
	if (w->comma)
		sbuf_addc(w->out, ',');
	w->comma = true;
}

/*
 * Spreadsheets look behind white space, and take a full-width sign for its
 * plain one; what they take for the beginning of a formula is = + - @.
 */
static bool is_formula(struct str cell)
{
	static const struct str wide[] = { STR("\xef\xbc\x9d"),
		STR("\xef\xbc\x8b"), STR("\xef\xbc\x8d"), STR("\xef\xbc\xa0") };

	while (cell.n > 0 && (unsigned char)cell.p[0] <= ' ')
		cell = str_from(cell, 1);
	if (cell.n == 0)
		return false;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (str_starts(cell, wide[i]))
			return true;
	return str_index(STR("=+-@"), cell.p[0]) >= 0;
}

/* Control characters, but for a line feed, become blanks. */
void csv_put_str(struct csv_writer *w, struct str cell)
{
	begin_cell(w);
	sbuf_addc(w->out, '"');
	if (is_formula(cell))
		sbuf_addc(w->out, '\'');
	for (size_t i = 0; i < cell.n; i++) {
		char c = cell.p[i];

		if (c == '"')
			sbuf_addc(w->out, '"');
		sbuf_addc(
			w->out, (unsigned char)c < ' ' && c != '\n' ? ' ' : c);
	}
	sbuf_addc(w->out, '"');
}

void csv_put_int(struct csv_writer *w, int64_t cell)
{
	begin_cell(w);
	sbuf_fmt(w->out, "%lld", (long long)cell);
}

void csv_end_line(struct csv_writer *w)
{
	sbuf_addz(w->out, "\r\n");
	w->comma = false;
}
