/* SPDX-License-Identifier: Apache-2.0 */
/* sts_lint: policy files under the lamp, RFC 8461 section 3.2. */
#include "proto/host_name.h"
#include "proto/sts_limits.h"
#include "proto/sts_lint.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

#define R32 "RFC 8461 section 3.2"
#define R33 "RFC 8461 section 3.3"
#define DAY_S 86400u

#define REMOVE_ONE "Remove it; of a field given twice the first counts."
#define AS_FIELD "Write one \"name: value\" per line, and nothing else."

static const struct finding_check no_version = { "FIL-01", FINDING_ERROR, R32,
	"Let the first line be \"version: STSv1\"." };
static const struct finding_check bad_mode = { "FIL-02", FINDING_ERROR, R32,
	"Use \"mode: testing\", \"mode: enforce\" or \"mode: none\"." };
static const struct finding_check weak_mode = { "FIL-03", FINDING_NOTE, R32,
	"Move to enforce once every MX passes." };
static const struct finding_check bad_max_age = { "FIL-04", FINDING_ERROR, R32,
	"Use \"max_age: 604800\" (a week) to start with." };
static const struct finding_check short_max_age = { "FIL-05", FINDING_WARNING,
	R32, "Raise it once things are stable: 604800 or more." };
static const struct finding_check modest_max_age = { "FIL-05", FINDING_NOTE,
	R32, "Raise it once things are stable: 1209600 or more." };
static const struct finding_check long_max_age = { "FIL-06", FINDING_NOTE, R32,
	"Rolling back takes this long in senders' caches: be sure." };
static const struct finding_check no_mx = { "FIL-07", FINDING_ERROR, R32,
	"List every MX host, one \"mx:\" line each." };
static const struct finding_check bad_mx = { "FIL-08", FINDING_ERROR, R32,
	"One name per \"mx:\" line; \"*.\" only as the whole first label; "
	"IDN names as A-labels." };
static const struct finding_check repeated = { "FIL-09", FINDING_WARNING, R32,
	REMOVE_ONE };
static const struct finding_check bad_bytes = { "FIL-10", FINDING_ERROR, R32,
	"Save the file as plain ASCII without byte order mark." };
static const struct finding_check not_ascii = { "FIL-10", FINDING_WARNING, R32,
	"Save the file as plain ASCII: not every sender reads UTF-8." };
static const struct finding_check bad_line = { "FIL-11", FINDING_ERROR, R32,
	"End lines with CRLF or LF, and leave no blank ones." };
static const struct finding_check long_line = { "FIL-11", FINDING_WARNING, NULL,
	"Shorten it: some senders stop reading there." };
static const struct finding_check unknown = { "FIL-12", FINDING_NOTE, R32,
	"Senders ignore it; correct it if it is a slip." };
static const struct finding_check placeholder = { "FIL-13", FINDING_WARNING,
	NULL, "Put your own MX host there." };
static const struct finding_check no_field = { "FIL-14", FINDING_ERROR, R32,
	AS_FIELD };
static const struct finding_check bad_status = { "POL-12", FINDING_ERROR, R33,
	"Answer 200 at /.well-known/mta-sts.txt." };
static const struct finding_check redirect = { "POL-13", FINDING_ERROR, R33,
	"Answer there at once: senders must not follow redirects." };
static const struct finding_check bad_type = { "POL-14", FINDING_ERROR, R32,
	"Serve it as Content-Type: text/plain." };
static const struct finding_check too_large = { "POL-17", FINDING_ERROR, R33,
	"Shorten it: senders stop reading at 64 KiB." };

/* The fields this RFC knows, in the order of `seen` below. */
enum field { FIELD_VERSION, FIELD_MODE, FIELD_MAX_AGE, FIELD_MX, FIELDS };

static const char *const field_names[FIELDS] = { "version", "mode", "max_age",
	"mx" };

struct lint {
	struct finding_list *out;
	uint32_t seen[FIELDS]; /* the line of the first one, or 0 */
	bool has_mode, has_max_age;
	enum sts_mode mode;
	uint32_t max_age_s;
};

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein distance without case; name has at most 7 bytes. */
static size_t distance(struct str s, struct str name)
{
	size_t row[8];

	for (size_t j = 0; j <= name.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= s.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= name.n; j++) {
			size_t up = row[j];
			bool same = chr_lower(s.p[i - 1]) == name.p[j - 1];

			row[j] = min3(up + 1, row[j - 1] + 1, diagonal + !same);
			diagonal = up;
		}
	}
	return row[name.n];
}

static void unknown_field(struct lint *l, const struct sts_line *line)
{
	const char *name = finding_quote(l->out, line->name);

	for (size_t i = 0; i < FIELDS; i++) {
		struct str known = str_of(field_names[i]);

		if (distance(line->name, known) > known.n / 3)
			continue;
		finding_add_check(l->out, &unknown, line->number,
			"\"%s\" is unknown; is \"%s\" meant?", name,
			field_names[i]);
		return;
	}
	finding_add_check(l->out, &unknown, line->number,
		"\"%s\" is an unknown field", name);
}

static void check_version(struct lint *l, const struct sts_line *line)
{
	if (!str_eq(line->value, STR("STSv1")))
		finding_add_check(l->out, &no_version, line->number,
			"version is \"%s\", not STSv1",
			finding_quote(l->out, line->value));
}

static void check_mode(struct lint *l, const struct sts_line *line)
{
	l->has_mode = sts_mode_parse(line->value, &l->mode) == ST_OK;
	if (str_eq(line->value, STR("report")))
		finding_add_check(l->out, &bad_mode, line->number,
			"mode \"report\" is of an old draft; it is called "
			"\"testing\" now");
	else if (!l->has_mode)
		finding_add_check(l->out, &bad_mode, line->number,
			"mode is \"%s\", not none, testing or enforce",
			finding_quote(l->out, line->value));
	else if (l->mode != STS_MODE_ENFORCE)
		finding_add_check(l->out, &weak_mode, line->number,
			"mode %s protects no mail", sts_mode_name(l->mode));
}

static void check_max_age(struct lint *l, const struct sts_line *line)
{
	enum status st = sts_max_age_parse(line->value, &l->max_age_s);
	const char *value = finding_quote(l->out, line->value);

	l->has_max_age = st == ST_OK;
	if (st == ST_LIMIT)
		finding_add_check(l->out, &bad_max_age, line->number,
			"max_age %s is more than a year (31557600)", value);
	else if (st != ST_OK)
		finding_add_check(l->out, &bad_max_age, line->number,
			"max_age is \"%s\", not 1 to 10 digits", value);
	else if (l->max_age_s < DAY_S)
		finding_add_check(l->out, &short_max_age, line->number,
			"max_age %s is less than a day; some senders ignore "
			"such a policy",
			value);
	else if (l->max_age_s > 180 * DAY_S)
		finding_add_check(l->out, &long_max_age, line->number,
			"max_age %s is more than 180 days", value);
}

static bool is_placeholder(struct str s)
{
	static const char *const ends[] = { "example.com", "example.org",
		"example.net", "yourdomain.com", "your-domain.com",
		"yourdomain.tld", "domain.tld" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (host_name_under(s, str_of(ends[i])))
			return true;
	return false;
}

static void check_mx(struct lint *l, const struct sts_line *line)
{
	const char *value = finding_quote(l->out, line->value);
	struct str name = line->value;

	if (str_starts(name, STR("*.")))
		name = str_from(name, 2);
	if (!sts_pattern_valid(line->value))
		finding_add_check(l->out, &bad_mx, line->number, "mx \"%s\" %s",
			value, host_fault_text(host_name_fault(name)));
	else if (is_placeholder(name))
		finding_add_check(l->out, &placeholder, line->number,
			"mx \"%s\" looks like a placeholder", value);
}

static void check_field(struct lint *l, const struct sts_line *line)
{
	static void (*const checks[FIELDS])(
		struct lint *, const struct sts_line *) = { check_version,
		check_mode, check_max_age, check_mx };

	for (size_t i = 0; i < FIELDS; i++) {
		if (!str_eq(line->name, str_of(field_names[i])))
			continue;
		if (l->seen[i] != 0 && i != FIELD_MX) {
			finding_add_check(l->out, &repeated, line->number,
				"%s was given in line %u already",
				field_names[i], l->seen[i]);
			return;
		}
		if (l->seen[i] == 0)
			l->seen[i] = line->number;
		checks[i](l, line);
		return;
	}
	unknown_field(l, line);
}

static const struct finding_check *fault_check(enum sts_line_fault f)
{
	switch (f) {
	case STS_LINE_BLANK:
	case STS_LINE_CR:
		return &bad_line;
	case STS_LINE_BOM:
	case STS_LINE_NUL:
	case STS_LINE_CONTROL:
	case STS_LINE_BAD_UTF8:
		return &bad_bytes;
	case STS_LINE_GOOD:
	case STS_LINE_NO_COLON:
	case STS_LINE_BAD_NAME:
	case STS_LINE_NO_VALUE:
		break;
	}
	return &no_field;
}

/* Do not also call missing what is there but ill formed. */
static void note_ill_formed(struct lint *l, const struct sts_line *line)
{
	struct str name = line->name;

	if (line->fault == STS_LINE_BOM)
		name = str_from(name, 3);
	for (size_t i = 0; i < FIELDS; i++)
		if (l->seen[i] == 0 && str_eq(name, str_of(field_names[i])))
			l->seen[i] = line->number;
}

static void check_line(struct lint *l, const struct sts_line *line)
{
	if (line->text.n > STS_POLICY_LINE_BYTES_WISE)
		finding_add_check(l->out, &long_line, line->number,
			"the line has %zu bytes", line->text.n);
	if (line->fault != STS_LINE_GOOD) {
		finding_add_check(l->out, fault_check(line->fault),
			line->number, "\"%s\" %s",
			finding_quote(l->out, line->text),
			sts_line_fault_text(line->fault));
		note_ill_formed(l, line);
		return;
	}
	if (!str_is_ascii(line->text))
		finding_add_check(l->out, &not_ascii, line->number,
			"\"%s\" is not ASCII",
			finding_quote(l->out, line->text));
	check_field(l, line);
}

static void check_whole(struct lint *l)
{
	bool needs_mx = l->has_mode && l->mode != STS_MODE_NONE;

	if (l->seen[FIELD_VERSION] == 0)
		finding_add_check(l->out, &no_version, 0, "version is missing");
	if (l->seen[FIELD_MODE] == 0)
		finding_add_check(l->out, &bad_mode, 0, "mode is missing");
	if (l->seen[FIELD_MAX_AGE] == 0)
		finding_add_check(
			l->out, &bad_max_age, 0, "max_age is missing");
	if (needs_mx && l->seen[FIELD_MX] == 0)
		finding_add_check(l->out, &no_mx, 0,
			"mx is missing, and mode is %s",
			sts_mode_name(l->mode));
	if (l->has_max_age && l->has_mode && l->mode == STS_MODE_ENFORCE &&
		l->max_age_s >= DAY_S && l->max_age_s < 14 * DAY_S)
		finding_add_check(l->out, &modest_max_age,
			l->seen[FIELD_MAX_AGE],
			"max_age is less than 14 days while mode is enforce");
}

void sts_lint_policy(struct str text, struct finding_list *out)
{
	struct lint l = { .out = out };
	struct sts_line line = {};

	if (text.n > STS_POLICY_BYTES_MAX) {
		finding_add_check(out, &too_large, 0,
			"the policy has more than 65536 bytes");
		text.n = STS_POLICY_BYTES_MAX;
	}
	while (sts_line_next(&text, &line))
		check_line(&l, &line);
	check_whole(&l);
}

/* Is this Content-Type text/plain, whatever its parameters (section 3.2)? */
static bool sts_media_type_good(struct str content_type)
{
	return str_eq_nocase(
		str_trim(str_cut(&content_type, ';')), STR("text/plain"));
}

void sts_lint_served(
	unsigned http_status, struct str content_type, struct finding_list *out)
{
	if (http_status >= 300 && http_status < 400)
		finding_add_check(
			out, &redirect, 0, "HTTP status %u", http_status);
	else if (http_status != 200)
		finding_add_check(out, &bad_status, 0,
			"HTTP status %u, not 200", http_status);
	if (!sts_media_type_good(content_type))
		finding_add_check(out, &bad_type, 0,
			"Content-Type is \"%s\", not text/plain",
			finding_quote(out, content_type));
}
