/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: the reader. Recursive descent over RFC 8259; the recursion is as deep
 * as the depth limit allows and no deeper. Line ends can only stand between
 * tokens (section 7 forbids them in strings), so only skip_space counts lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"

#include "base/poison.h"

/* Objects up to this size are searched for duplicates pair by pair. */
#define FEW_NAMES 16u

struct reader {
	struct arena *arena;
	const char *p, *end;
	const char *line_start;
	uint32_t line;
	uint32_t depth_left, nodes_left;
	struct json_flags flags;
	struct err *err;
};

static enum status value(struct reader *r, struct json **out);

static uint32_t column_of(const struct reader *r, const char *at)
{
	return (uint32_t)(at - r->line_start) + 1;
}

static enum status fault_at(struct reader *r, const char *at, const char *what)
{
	return err_set(r->err, ST_INVALID, "line %u, column %u: %s", r->line,
		column_of(r, at), what);
}

static enum status fault(struct reader *r, const char *what)
{
	if (r->p == r->end)
		return err_set(r->err, ST_INVALID,
			"line %u, column %u: the text ends early: %s", r->line,
			column_of(r, r->p), what);
	return fault_at(r, r->p, what);
}

static enum status no_memory(struct reader *r)
{
	return err_set(r->err, ST_LIMIT,
		"line %u, column %u: the JSON text needs too much memory",
		r->line, column_of(r, r->p));
}

static void skip_space(struct reader *r)
{
	for (; r->p < r->end; r->p++) {
		if (*r->p == '\n') {
			r->line++;
			r->line_start = r->p + 1;
		} else if (*r->p != ' ' && *r->p != '\t' && *r->p != '\r') {
			return;
		}
	}
}

static bool next_is(const struct reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool take(struct reader *r, char c)
{
	if (!next_is(r, c))
		return false;
	r->p++;
	return true;
}

/* Strings: raw is what stands between the quotes. */

/* What most text is made of: ASCII but controls, quote and backslash. */
static const bool plain_char[256] = {
	[0x20 ... '"' - 1] = true,
	['"' + 1 ... '\\' - 1] = true,
	['\\' + 1 ... 0x7f] = true,
};

static void skip_plain(struct reader *r)
{
	const char *p = r->p;

	while (p < r->end && plain_char[(unsigned char)*p])
		p++;
	r->p = p;
}

struct raw_string {
	struct str text;
	bool plain; /* no escape: decoded is the same as raw */
	bool bad_utf8;
};

static enum status raw_string(struct reader *r, struct raw_string *out)
{
	const char *start = r->p;
	uint32_t cp;

	*out = (struct raw_string){ .plain = true };
	for (skip_plain(r); r->p < r->end && *r->p != '"'; skip_plain(r)) {
		unsigned char c = (unsigned char)*r->p;
		size_t n = 1;

		if (c < 0x20)
			return fault(r, "control characters in a string must "
					"be escaped (RFC 8259 section 7)");
		if (c == '\\') {
			out->plain = false;
			n = r->end - r->p > 1 ? 2 : 1;
		} else if (c >= 0x80) {
			n = utf8_read((struct str){ r->p, r->end - r->p }, &cp);
			out->bad_utf8 |= n == 0;
			n = n == 0 ? 1 : n;
		}
		r->p += n;
	}
	out->text = (struct str){ start, r->p - start };
	if (!take(r, '"'))
		return fault(r, "a string lacks its closing quote");
	return ST_OK;
}

static bool hex4(struct str s, uint32_t *out)
{
	uint32_t v = 0;

	if (s.n < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		int digit = chr_hex(s.p[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	*out = v;
	return true;
}

/* After "\u": the code point, and how much of s it took (0: no hex digits). */
static size_t unicode_escape(struct str s, uint32_t *cp)
{
	uint32_t low;

	if (!hex4(s, cp))
		return 0;
	if (*cp >= 0xd800 && *cp < 0xdc00 && s.n >= 10 && s.p[4] == '\\' &&
		s.p[5] == 'u' && hex4(str_from(s, 6), &low) && low >= 0xdc00 &&
		low < 0xe000) {
		*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
		return 10;
	}
	return 4;
}

/* Decodes the escape s begins with; returns its length, 0 if there is none. */
static size_t escape(struct reader *r, struct str s, char *out, size_t *out_n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = s.n < 2 ? NULL : memchr(from, s.p[1], sizeof(to) - 1);
	uint32_t cp;
	size_t n;

	if (at != NULL) {
		*out = to[at - from];
		*out_n = 1;
		return 2;
	}
	if (s.n < 2 || s.p[1] != 'u')
		return 0;
	n = unicode_escape(str_from(s, 2), &cp);
	if (n == 0)
		return 0;
	r->flags.bad_utf8 |= cp >= 0xd800 && cp < 0xe000;
	*out_n = utf8_write(out, cp);
	return 2 + n;
}

/* Decodes raw into out, which has room enough. */
static enum status decode(
	struct reader *r, struct raw_string raw, char *out, size_t *out_n)
{
	struct str s = raw.text;
	size_t n = 0, add;

	while (s.n > 0) {
		uint32_t cp;
		size_t len;

		if (s.p[0] == '\\') {
			len = escape(r, s, out + n, &add);
			if (len == 0)
				return fault_at(r, s.p,
					"no such escape (RFC 8259 section 7)");
		} else {
			len = utf8_read(s, &cp);
			if (len == 0)
				cp = UTF8_REPLACEMENT;
			add = utf8_write(out + n, cp);
			len = len == 0 ? 1 : len;
		}
		n += add;
		s = str_from(s, len);
	}
	*out_n = n;
	return ST_OK;
}

static enum status string(struct reader *r, struct str *out)
{
	struct raw_string raw;
	enum status st = raw_string(r, &raw);
	size_t room;
	char *p;

	if (st != ST_OK)
		return st;
	if (raw.plain && !raw.bad_utf8) {
		*out = arena_str(r->arena, raw.text);
		return out->p == NULL ? no_memory(r) : ST_OK;
	}
	r->flags.bad_utf8 |= raw.bad_utf8;
	/* Escapes shrink; a byte that is not UTF-8 becomes three. */
	room = raw.text.n * (raw.bad_utf8 ? 3 : 1);
	p = arena_alloc(r->arena, room + 1);
	if (p == NULL)
		return no_memory(r);
	out->p = p;
	return decode(r, raw, p, &out->n);
}

static size_t digits(struct reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && chr_is_digit(*r->p))
		r->p++;
	return (size_t)(r->p - start);
}

static enum status number(struct reader *r, struct str *out)
{
	const char *start = r->p, *first;

	(void)take(r, '-');
	first = r->p;
	if (digits(r) == 0)
		return fault(r, "a digit is missing");
	if (*first == '0' && r->p - first > 1)
		return fault_at(r, first,
			"numbers have no leading zeros (RFC 8259 section 6)");
	if (take(r, '.') && digits(r) == 0)
		return fault(r, "a digit is missing after the point");
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		if (digits(r) == 0)
			return fault(r, "a digit is missing in the exponent");
	}
	*out = arena_str(r->arena, (struct str){ start, r->p - start });
	return out->p == NULL ? no_memory(r) : ST_OK;
}

static enum status literal(struct reader *r, struct json *v)
{
	static const struct {
		const char *text;
		enum json_type type;
		bool boolean;
	} words[] = {
		{ "null", JSON_NULL, false },
		{ "true", JSON_BOOL, true },
		{ "false", JSON_BOOL, false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct str word = str_of(words[i].text);

		if (!str_starts((struct str){ r->p, r->end - r->p }, word))
			continue;
		r->p += word.n;
		v->type = words[i].type;
		v->boolean = words[i].boolean;
		return ST_OK;
	}
	return fault(r, "expected a JSON value");
}

static int by_name(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return str_cmp((*x)->name, (*y)->name);
}

static bool few_duplicates(const struct json *obj)
{
	for (const struct json *a = obj->first; a != NULL; a = a->next)
		for (const struct json *b = a->next; b != NULL; b = b->next)
			if (str_eq(a->name, b->name))
				return true;
	return false;
}

/* Names come from strangers: many of them are sorted, never compared n * n. */
static enum status find_duplicates(struct reader *r, const struct json *obj)
{
	const struct json **sorted;
	size_t n = 0;

	if (r->flags.duplicate_names)
		return ST_OK;
	if (obj->count <= FEW_NAMES) {
		r->flags.duplicate_names = few_duplicates(obj);
		return ST_OK;
	}
	sorted = arena_array(r->arena, obj->count, sizeof(struct json *));
	if (sorted == NULL)
		return no_memory(r);
	for (const struct json *v = obj->first; v != NULL; v = v->next)
		sorted[n++] = v;
	qsort(sorted, n, sizeof(struct json *), by_name);
	for (size_t i = 1; i < n; i++)
		if (str_eq(sorted[i - 1]->name, sorted[i]->name))
			r->flags.duplicate_names = true;
	return ST_OK;
}

/* "name": of an object's member; space around it is skipped. */
static enum status member_name(struct reader *r, struct str *name)
{
	enum status st;

	if (!take(r, '"'))
		return fault(r, "expected a name in quotes");
	st = string(r, name);
	if (st != ST_OK)
		return st;
	skip_space(r);
	if (!take(r, ':'))
		return fault(r, "expected ':' after the name");
	skip_space(r);
	return ST_OK;
}

/* What stands between the brackets of parent, and the closing one. */
static enum status children(struct reader *r, struct json *parent, char close)
{
	const char *wanted = close == '}' ? "expected ',' or '}'"
					  : "expected ',' or ']'";
	struct json **tail = &parent->first;
	struct str name = {};
	enum status st;

	skip_space(r);
	if (take(r, close))
		return ST_OK;
	for (;;) {
		if (close == '}') {
			st = member_name(r, &name);
			if (st != ST_OK)
				return st;
		}
		st = value(r, tail);
		if (st != ST_OK)
			return st;
		(*tail)->name = name;
		tail = &(*tail)->next;
		parent->count++;
		skip_space(r);
		if (take(r, close))
			return ST_OK;
		if (!take(r, ','))
			return fault(r, wanted);
		skip_space(r);
	}
}

static enum status container(struct reader *r, struct json *v)
{
	char close = *r->p == '{' ? '}' : ']';
	enum status st;

	v->type = close == '}' ? JSON_OBJECT : JSON_ARRAY;
	if (r->depth_left == 0)
		return err_set(r->err, ST_LIMIT,
			"line %u, column %u: nested too deeply", r->line,
			column_of(r, r->p));
	r->p++;
	r->depth_left--;
	st = children(r, v, close);
	r->depth_left++;
	if (st == ST_OK && v->type == JSON_OBJECT)
		st = find_duplicates(r, v);
	return st;
}

static enum status value(struct reader *r, struct json **out)
{
	struct json *v;

	if (r->nodes_left == 0)
		return err_set(r->err, ST_LIMIT,
			"line %u, column %u: too many values", r->line,
			column_of(r, r->p));
	r->nodes_left--;
	v = arena_alloc(r->arena, sizeof(*v));
	if (v == NULL)
		return no_memory(r);
	*out = v;
	v->line = r->line;
	v->column = column_of(r, r->p);
	if (next_is(r, '{') || next_is(r, '['))
		return container(r, v);
	if (take(r, '"')) {
		v->type = JSON_STRING;
		return string(r, &v->text);
	}
	if (r->p < r->end && (*r->p == '-' || chr_is_digit(*r->p))) {
		v->type = JSON_NUMBER;
		return number(r, &v->text);
	}
	return literal(r, v);
}

enum status json_parse(struct arena *a, struct str text,
	struct json_limits limits, struct json **out, struct json_flags *flags,
	struct err *e)
{
	struct reader r = {
		.arena = a,
		.line = 1,
		.depth_left = limits.depth,
		.nodes_left = limits.nodes,
		.err = e,
	};
	struct json *root = NULL;
	enum status st;

	r.flags.bom = str_starts(text, STR("\xef\xbb\xbf"));
	text = str_from(text, r.flags.bom ? 3 : 0);
	r.p = r.line_start = text.p;
	r.end = text.p + text.n;
	skip_space(&r);
	st = value(&r, &root);
	if (st != ST_OK)
		return st;
	skip_space(&r);
	if (r.p < r.end)
		return fault(&r, "something follows the JSON value");
	*out = root;
	if (flags != NULL)
		*flags = r.flags;
	return ST_OK;
}

const struct json *json_get(const struct json *obj, const char *name)
{
	struct str want = str_of(name);

	if (obj == NULL || obj->type != JSON_OBJECT)
		return NULL;
	for (const struct json *v = obj->first; v != NULL; v = v->next)
		if (str_eq(v->name, want))
			return v;
	return NULL;
}

const struct json *json_first(const struct json *obj, const char *name)
{
	const struct json *list = json_get(obj, name);

	return list != NULL ? list->first : NULL;
}

struct str json_str(const struct json *v)
{
	if (v == NULL || v->type != JSON_STRING)
		return (struct str){};
	return v->text;
}

struct str json_get_str(const struct json *obj, const char *name)
{
	return json_str(json_get(obj, name));
}

enum status json_i64(
	const struct json *v, int64_t min, int64_t max, int64_t *out)
{
	if (v == NULL || v->type != JSON_NUMBER)
		return ST_INVALID;
	return num_i64(v->text, min, max, out);
}

bool json_true(const struct json *v)
{
	return v != NULL && v->type == JSON_BOOL && v->boolean;
}
