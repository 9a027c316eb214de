/* SPDX-License-Identifier: Apache-2.0 */
/* imap: the reader, the grammar of RFC 3501 section 9, arguments. */
#include <string.h>

#include "base/num.h"
#include "proto/imap.h"

#include "base/poison.h"

#define UNTAGGED "* "
#define FETCH_ITEM_MAX 64 /* bytes of an item's name */

/* ---- the reader */

void imap_reader_init(struct imap_reader *r, struct arena *a, size_t max)
{
	*r = (struct imap_reader){ .text = sbuf_arena(a, max) };
}

/* Text for people may end in "{5}" and mean nothing by it. */
static bool has_no_literals(struct str text)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE",
		"PREAUTH" };
	struct str rest = str_from(text, sizeof(UNTAGGED) - 1), word;

	if (!str_starts(text, STR(UNTAGGED)))
		return true;
	word = str_cut(&rest, ' ');
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_eq_nocase(word, str_of(words[i])))
			return true;
	return false;
}

/* The n of a line that ends in "{n}". */
static bool ends_in_literal(struct str line, uint64_t *n)
{
	size_t from = line.n;

	if (!str_ends(line, STR("}")))
		return false;
	while (from > 0 && line.p[from - 1] != '{')
		from--;
	return from > 0 &&
	       num_u64(str_upto(str_from(line, from), line.n - from - 1), 0,
		       UINT64_MAX, n) == ST_OK;
}

/* A line has come to its end; ST_AGAIN: the response goes on behind it. */
static enum status end_line(struct imap_reader *r)
{
	struct str text = sbuf_str(&r->text), line;

	if (!str_ends(text, STR("\r\n")))
		return ST_INVALID;
	text.n -= 2;
	line = r->line <= text.n ? str_from(text, r->line) : STR("");
	if (has_no_literals(text) || !ends_in_literal(line, &r->literal))
		return ST_OK;
	if (r->literal > r->text.max - r->text.n)
		return ST_LIMIT;
	r->line = r->text.n + r->literal;
	return ST_AGAIN;
}

static enum status take(struct imap_reader *r, struct str *in, size_t n)
{
	sbuf_add(&r->text, str_upto(*in, n));
	*in = str_from(*in, n);
	return sbuf_ok(&r->text) ? ST_AGAIN : ST_LIMIT;
}

enum status imap_reader_take(struct imap_reader *r, struct str *in)
{
	enum status st = ST_AGAIN;
	ptrdiff_t end;
	size_t n;

	while (st == ST_AGAIN && in->n > 0) {
		if (r->literal > 0) {
			n = r->literal < in->n ? (size_t)r->literal : in->n;
			r->literal -= n;
			st = take(r, in, n);
			continue;
		}
		end = str_index(*in, '\n');
		st = take(r, in, end < 0 ? in->n : (size_t)end + 1);
		if (st == ST_AGAIN && end >= 0)
			st = end_line(r);
	}
	return st;
}

/* ---- tokens */

/* A word up to a blank; *rest moves behind it and the blank. */
static struct str take_word(struct str *rest)
{
	return str_cut(rest, ' ');
}

static bool skip(struct str *rest, char c)
{
	if (rest->n == 0 || rest->p[0] != c)
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

/* "quoted", with \" and \\ for what they stand for (RFC 3501 section 9). */
static enum status take_quoted(
	struct arena *a, struct str *rest, struct str *out)
{
	size_t i = 1, n = 0;
	char *p = arena_alloc(a, rest->n);

	if (p == NULL)
		return ST_LIMIT;
	for (; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\')
			i++;
		if (i == rest->n || rest->p[i] == '\r' || rest->p[i] == '\n')
			return ST_INVALID;
		p[n++] = rest->p[i];
	}
	if (i == rest->n)
		return ST_INVALID;
	*out = (struct str){ p, n };
	*rest = str_from(*rest, i + 1);
	return ST_OK;
}

/* "{5}" CR LF and five bytes. */
static enum status take_literal(struct str *rest, struct str *out)
{
	ptrdiff_t end = str_index(*rest, '\n');
	struct str head;
	uint64_t n;

	if (end < 1 || rest->p[end - 1] != '\r')
		return ST_INVALID;
	head = str_upto(*rest, (size_t)end - 1);
	*rest = str_from(*rest, (size_t)end + 1);
	if (!ends_in_literal(head, &n) || head.p[0] != '{' || n > rest->n)
		return ST_INVALID;
	*out = str_upto(*rest, (size_t)n);
	*rest = str_from(*rest, (size_t)n);
	return ST_OK;
}

static bool ends_atom(char c)
{
	return c == ' ' || c == '(' || c == ')' || c == '\r' || c == '\n' ||
	       c == '"';
}

static enum status take_atom(struct str *rest, struct str *out)
{
	size_t n = 0;

	while (n < rest->n && !ends_atom(rest->p[n]))
		n++;
	*out = str_upto(*rest, n);
	*rest = str_from(*rest, n);
	return n > 0 ? ST_OK : ST_INVALID;
}

/* A string or an atom; *out of NIL is empty, with p == NULL. */
static enum status take_string(
	struct arena *a, struct str *rest, struct str *out)
{
	enum status st;

	if (rest->n > 0 && rest->p[0] == '"')
		return take_quoted(a, rest, out);
	if (rest->n > 0 && rest->p[0] == '{')
		return take_literal(rest, out);
	st = take_atom(rest, out);
	if (st == ST_OK && str_eq_nocase(*out, STR("NIL")))
		*out = (struct str){};
	return st;
}

/* Anything: a string, an atom, or a list of such. */
static enum status skip_value(struct arena *a, struct str *rest)
{
	enum status st = ST_OK;
	unsigned depth = 0;
	struct str none;

	do {
		if (skip(rest, '(')) {
			if (++depth > IMAP_DEPTH_MAX)
				return ST_INVALID;
		} else if (depth > 0 && skip(rest, ')')) {
			depth--;
		} else if (depth == 0 || !skip(rest, ' ')) {
			st = take_string(a, rest, &none);
		}
	} while (st == ST_OK && depth > 0);
	return st;
}

/* ---- FETCH */

static enum status take_uid(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	struct str text;

	(void)a;
	if (take_atom(rest, &text) != ST_OK)
		return ST_INVALID;
	return num_u32(text, 1, UINT32_MAX, &m->uid) == ST_OK ? ST_OK
							      : ST_INVALID;
}

static enum status take_size(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	struct str text;

	(void)a;
	if (take_atom(rest, &text) != ST_OK)
		return ST_INVALID;
	return num_u64(text, 0, INT64_MAX, &m->size) == ST_OK ? ST_OK
							      : ST_INVALID;
}

static enum status take_flags(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	struct str flag;

	(void)a;
	if (!skip(rest, '('))
		return ST_INVALID;
	while (!skip(rest, ')')) {
		if (skip(rest, ' '))
			continue;
		if (take_atom(rest, &flag) != ST_OK)
			return ST_INVALID;
		m->deleted |= str_eq_nocase(flag, STR("\\Deleted"));
	}
	return ST_OK;
}

static enum status take_body(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	m->has_body = true;
	return take_string(a, rest, &m->body);
}

static int month_of(struct str name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (str_eq_nocase(name, (struct str){ months + 3 * i, 3 }))
			return i + 1;
	return 0;
}

static bool digits(struct str s, size_t from, size_t n, int *out)
{
	uint32_t v;

	if (num_u32(str_trim(str_upto(str_from(s, from), n)), 0, 9999, &v) !=
		ST_OK)
		return false;
	*out = (int)v;
	return true;
}

/* "17-Jul-1996 02:44:25 -0700", the day perhaps with a blank before. */
static enum status date_parse(struct str s, struct unix_time *out)
{
	struct utc_date d = {};
	int zone_h, zone_m;
	enum status st;

	if (s.n != 26 || (s.p[21] != '+' && s.p[21] != '-') ||
		!digits(s, 0, 2, &d.day) || !digits(s, 7, 4, &d.year) ||
		!digits(s, 12, 2, &d.hour) || !digits(s, 15, 2, &d.minute) ||
		!digits(s, 18, 2, &d.second) || !digits(s, 22, 2, &zone_h) ||
		!digits(s, 24, 2, &zone_m))
		return ST_INVALID;
	d.month = month_of(str_upto(str_from(s, 3), 3));
	if (d.second == 60)
		d.second = 59;
	st = utc_time_of(d, out);
	if (st == ST_OK)
		out->s -= (s.p[21] == '-' ? -60 : 60) *
			  (int64_t)(zone_h * 60 + zone_m);
	return st;
}

static enum status take_date(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	struct str text;
	enum status st = take_string(a, rest, &text);

	return st == ST_OK ? date_parse(text, &m->received) : st;
}

static const struct {
	const char *name;
	enum status (*take)(
		struct arena *a, struct str *rest, struct imap_mail *m);
} items[] = {
	{ "UID", take_uid },
	{ "RFC822.SIZE", take_size },
	{ "FLAGS", take_flags },
	{ "INTERNALDATE", take_date },
	{ "BODY[]", take_body },
};

static enum status take_item(
	struct arena *a, struct str *rest, struct imap_mail *m)
{
	struct str name = take_word(rest);

	if (rest->p == NULL || name.n == 0 || name.n > FETCH_ITEM_MAX)
		return ST_INVALID;
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++)
		if (str_eq_nocase(name, str_of(items[i].name)))
			return items[i].take(a, rest, m);
	return skip_value(a, rest);
}

static enum status fetch_parse(
	struct arena *a, struct str rest, struct imap_mail *m)
{
	enum status st = ST_OK;

	if (!skip(&rest, '('))
		return ST_INVALID;
	while (st == ST_OK && !skip(&rest, ')'))
		if (!skip(&rest, ' '))
			st = take_item(a, &rest, m);
	return st == ST_OK && rest.n > 0 ? ST_INVALID : st;
}

/* ---- responses */

/* "[CODE] text" (resp-text). */
static void take_text(struct str rest, struct imap_response *r)
{
	ptrdiff_t end = str_index(rest, ']');

	if (end > 0 && rest.p[0] == '[') {
		r->code = str_upto(str_from(rest, 1), (size_t)end - 1);
		rest = str_from(rest, (size_t)end + 1);
	}
	r->text = str_trim(rest);
}

/* "7 EXISTS", "7 FETCH (...)". */
static enum status number_parse(
	struct arena *a, struct str rest, struct imap_response *r)
{
	struct str word;

	r->kind = IMAP_OTHER;
	if (num_u32(take_word(&rest), 0, UINT32_MAX, &r->number) != ST_OK)
		return ST_INVALID;
	word = take_word(&rest);
	if (str_eq_nocase(word, STR("EXISTS"))) {
		r->kind = IMAP_EXISTS;
	} else if (str_eq_nocase(word, STR("FETCH"))) {
		r->kind = IMAP_FETCH;
		return fetch_parse(a, rest, &r->mail);
	}
	return ST_OK;
}

static enum status untagged_parse(
	struct arena *a, struct str rest, struct imap_response *r)
{
	struct str line = rest, word = take_word(&rest);

	if (word.n == 0)
		return ST_INVALID;
	if (chr_is_digit(word.p[0]))
		return number_parse(a, line, r);
	r->kind = IMAP_STATUS;
	if (str_eq_nocase(word, STR("BYE"))) {
		r->kind = IMAP_BYE;
	} else if (str_eq_nocase(word, STR("CAPABILITY"))) {
		r->kind = IMAP_CAPABILITY;
	} else if (!str_eq_nocase(word, STR("OK")) &&
		   !str_eq_nocase(word, STR("NO")) &&
		   !str_eq_nocase(word, STR("BAD")) &&
		   !str_eq_nocase(word, STR("PREAUTH"))) {
		r->kind = IMAP_OTHER;
		return ST_OK;
	}
	take_text(rest, r);
	return ST_OK;
}

static enum status tagged_parse(struct str rest, struct imap_response *r)
{
	struct str word;

	r->tag = take_word(&rest);
	word = take_word(&rest);
	if (r->tag.n == 0)
		return ST_INVALID;
	if (str_eq_nocase(word, STR("OK")))
		r->kind = IMAP_OK;
	else if (str_eq_nocase(word, STR("NO")))
		r->kind = IMAP_NO;
	else if (str_eq_nocase(word, STR("BAD")))
		r->kind = IMAP_BAD;
	else
		return ST_INVALID;
	take_text(rest, r);
	return ST_OK;
}

enum status imap_response_parse(struct arena *a, struct str text,
	struct imap_response *out, struct err *e)
{
	struct imap_response r = {};
	enum status st = ST_OK;

	if (!str_ends(text, STR("\r\n")))
		return err_set(e, ST_INVALID, "no line of IMAP");
	text.n -= 2;
	if (str_starts(text, STR("+")))
		r.kind = IMAP_GO_ON;
	else if (str_starts(text, STR(UNTAGGED)))
		st = untagged_parse(
			a, str_from(text, sizeof(UNTAGGED) - 1), &r);
	else
		st = tagged_parse(text, &r);
	if (st == ST_LIMIT)
		return err_set(e, st,
			"a response of IMAP needs too much "
			"memory");
	if (st != ST_OK)
		return err_set(e, ST_INVALID,
			"a response that is no IMAP (RFC 3501 section 9)");
	*out = r;
	return ST_OK;
}

bool imap_has_word(struct str words, struct str word)
{
	while (words.p != NULL)
		if (str_eq_nocase(take_word(&words), word))
			return true;
	return false;
}

uint32_t imap_code_number(struct str code, struct str name)
{
	uint32_t n = 0;

	if (!str_eq_nocase(take_word(&code), name) ||
		num_u32(code, 1, UINT32_MAX, &n) != ST_OK)
		return 0;
	return n;
}

/* ---- arguments */

enum status imap_quote(struct sbuf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return ST_INVALID;
	sbuf_addc(b, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			sbuf_addc(b, '\\');
		sbuf_addc(b, text.p[i]);
	}
	sbuf_addc(b, '"');
	return ST_OK;
}

void imap_set_write(struct sbuf *b, const uint32_t *uids, size_t n)
{
	size_t last;

	for (size_t i = 0; i < n; i = last + 1) {
		last = i;
		while (last + 1 < n && uids[last + 1] == uids[last] + 1)
			last++;
		sbuf_fmt(b, "%s%u", i > 0 ? "," : "", uids[i]);
		if (last > i)
			sbuf_fmt(b, ":%u", uids[last]);
	}
}

bool imap_is_set(struct str text)
{
	uint32_t n;

	if (text.n == 0)
		return false;
	while (text.p != NULL) {
		struct str high = str_cut(&text, ','),
			   low = str_cut(&high, ':');

		if (num_u32(low, 1, UINT32_MAX, &n) != ST_OK ||
			(high.p != NULL &&
				num_u32(high, n, UINT32_MAX, &n) != ST_OK))
			return false;
	}
	return true;
}
