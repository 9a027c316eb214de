/* SPDX-License-Identifier: Apache-2.0 */
/* sts_policy: policy files, RFC 8461 section 3.2. */
#include "base/num.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "proto/record_field.h"
#include "proto/sts_limits.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

#define RULE "(RFC 8461 section 3.2)"
#define BOM STR("\xef\xbb\xbf")

/* What a policy is gathered in, while its lines are read. */
struct draft {
	struct arena *arena;
	struct err *why;
	bool has_version, has_mode, has_max_age;
	enum sts_mode mode;
	uint32_t max_age_s;
	struct {
		struct str *items;
		size_t n, cap;
	} mx;
};

static const char *const mode_names[] = {
	[STS_MODE_NONE] = "none",
	[STS_MODE_TESTING] = "testing",
	[STS_MODE_ENFORCE] = "enforce",
};

const char *sts_mode_name(enum sts_mode mode)
{
	return mode_names[mode];
}

enum status sts_mode_parse(struct str s, enum sts_mode *out)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(*mode_names); i++) {
		if (!str_eq(s, str_of(mode_names[i])))
			continue;
		*out = (enum sts_mode)i;
		return ST_OK;
	}
	return ST_INVALID;
}

enum status sts_max_age_parse(struct str s, uint32_t *out)
{
	if (s.n > STS_MAX_AGE_DIGITS_MAX)
		return ST_INVALID;
	return num_u32(s, 0, STS_MAX_AGE_MAX, out);
}

const char *sts_line_fault_text(enum sts_line_fault f)
{
	switch (f) {
	case STS_LINE_GOOD:
		return "is well formed";
	case STS_LINE_BLANK:
		return "is blank";
	case STS_LINE_BOM:
		return "begins with a byte order mark";
	case STS_LINE_NUL:
		return "has a NUL byte";
	case STS_LINE_CR:
		return "has a CR that is not followed by an LF";
	case STS_LINE_NO_COLON:
		return "has no \":\"";
	case STS_LINE_BAD_NAME:
		return "has a name that is not 1 to 32 letters, digits, "
		       "\"_\", \"-\" or \".\"";
	case STS_LINE_NO_VALUE:
		return "has no value";
	case STS_LINE_CONTROL:
		return "has a tab or another control character in its value";
	case STS_LINE_BAD_UTF8:
		return "is not UTF-8";
	}
	return "?";
}

/* sts-policy-ext-value; what the known fields take is a part of it. */
static enum sts_line_fault value_fault(struct str s)
{
	if (s.n == 0)
		return STS_LINE_NO_VALUE;
	while (s.n > 0) {
		uint32_t cp;
		size_t n = utf8_read(s, &cp);

		if (n == 0)
			return STS_LINE_BAD_UTF8;
		if (cp < 0x20 || cp == 0x7f)
			return STS_LINE_CONTROL;
		s = str_from(s, n);
	}
	return STS_LINE_GOOD;
}

static enum sts_line_fault line_fault(const struct sts_line *line, bool colon)
{
	if (str_trim(line->text).n == 0)
		return STS_LINE_BLANK;
	if (line->number == 1 && str_starts(line->text, BOM))
		return STS_LINE_BOM;
	if (str_index(line->text, '\0') >= 0)
		return STS_LINE_NUL;
	if (str_index(line->text, '\r') >= 0)
		return STS_LINE_CR;
	if (!colon)
		return STS_LINE_NO_COLON;
	if (!record_name_valid(line->name))
		return STS_LINE_BAD_NAME;
	return value_fault(line->value);
}

bool sts_line_next(struct str *rest, struct sts_line *line)
{
	struct str after;
	bool ended;

	if (rest->n == 0)
		return false;
	line->number++;
	line->text = str_cut(rest, '\n');
	ended = rest->p != NULL;
	if (ended && line->text.n > 0 && line->text.p[line->text.n - 1] == '\r')
		line->text.n--;
	after = line->text;
	line->name = str_cut(&after, ':');
	line->value = str_trim(after);
	line->fault = line_fault(line, after.p != NULL);
	return true;
}

static enum status bad(
	const struct draft *d, const struct sts_line *line, const char *what)
{
	return err_set(
		d->why, ST_INVALID, "line %u: %s " RULE, line->number, what);
}

static enum status read_mx(struct draft *d, const struct sts_line *line)
{
	struct str pattern;
	char *p;

	if (!sts_pattern_valid(line->value))
		return bad(d, line,
			"mx must be a host name, or \"*.\" and a host name");
	p = arena_alloc(d->arena, line->value.n);
	if (p == NULL)
		return ST_LIMIT;
	str_lower(p, line->value);
	pattern = (struct str){ p, line->value.n };
	return VEC_PUSH(d->arena, &d->mx, pattern) ? ST_OK : ST_LIMIT;
}

static enum status read_max_age(struct draft *d, const struct sts_line *line)
{
	enum status st = sts_max_age_parse(line->value, &d->max_age_s);

	if (st == ST_LIMIT)
		return bad(d, line, "max_age is more than 31557600");
	if (st != ST_OK)
		return bad(d, line, "max_age must be 1 to 10 digits");
	return ST_OK;
}

/* ST_INVALID with a text in why, or ST_LIMIT. */
static enum status read_line(struct draft *d, const struct sts_line *line)
{
	if (line->fault != STS_LINE_GOOD)
		return bad(d, line, sts_line_fault_text(line->fault));
	if (str_eq(line->name, STR("mx")))
		return read_mx(d, line);
	if (str_eq(line->name, STR("version")) && !d->has_version) {
		d->has_version = true;
		if (!str_eq(line->value, STR("STSv1")))
			return bad(d, line, "version must be STSv1");
	}
	if (str_eq(line->name, STR("mode")) && !d->has_mode) {
		d->has_mode = true;
		if (sts_mode_parse(line->value, &d->mode) != ST_OK)
			return bad(d, line,
				"mode must be none, testing or enforce");
	}
	if (str_eq(line->name, STR("max_age")) && !d->has_max_age) {
		d->has_max_age = true;
		return read_max_age(d, line);
	}
	return ST_OK;
}

static enum status missing(const struct draft *d)
{
	const char *what = !d->has_version   ? "version"
			   : !d->has_mode    ? "mode"
			   : !d->has_max_age ? "max_age"
			   : d->mode != STS_MODE_NONE && d->mx.n == 0 ? "mx"
								      : NULL;

	if (what == NULL)
		return ST_OK;
	return err_set(d->why, ST_INVALID, "%s is missing " RULE, what);
}

enum status sts_policy_parse(struct arena *a, struct str text,
	struct sts_policy *out, struct err *why)
{
	struct draft d = { .arena = a, .why = why };
	struct sts_line line = {};
	enum status st = ST_OK;

	if (text.n > STS_POLICY_BYTES_MAX)
		st = err_set(why, ST_INVALID,
			"the policy is larger than 64 KiB (RFC 8461 section "
			"3.3)");
	while (st == ST_OK && sts_line_next(&text, &line))
		st = read_line(&d, &line);
	if (st == ST_OK)
		st = missing(&d);
	if (st == ST_LIMIT)
		return err_set(why, ST_LIMIT, "out of memory");
	*out = (struct sts_policy){ .outcome = STS_POLICY_INVALID };
	if (st != ST_OK)
		return ST_OK;
	*out = (struct sts_policy){ STS_POLICY_VALID, d.mode, d.max_age_s,
		d.mx.items, d.mx.n };
	return ST_OK;
}

void sts_policy_write(struct sbuf *b, const struct sts_policy *policy)
{
	sbuf_fmt(b, "version: STSv1\r\nmode: %s\r\n",
		sts_mode_name(policy->mode));
	for (size_t i = 0; i < policy->n_mx; i++) {
		sbuf_addz(b, "mx: ");
		sbuf_add(b, policy->mx[i]);
		sbuf_addz(b, "\r\n");
	}
	sbuf_fmt(b, "max_age: %u\r\n", policy->max_age_s);
}
