/* SPDX-License-Identifier: Apache-2.0 */
/* record_lint: _mta-sts and _smtp._tls under the lamp. */
#include <stdbool.h>

#include "proto/record_field.h"
#include "proto/record_lint.h"
#include "proto/sts_limits.h"
#include "proto/sts_record.h"
#include "proto/tlsrpt_limits.h"
#include "proto/tlsrpt_uri.h"

#include "base/poison.h"

#define R31 "RFC 8461 section 3.1"
#define R3 "RFC 8460 section 3"

#define KEEP_ONE "Delete all but one: senders ignore the whole set."
#define OTHERS                                                                 \
	"Remove it from this name, some senders give up; a wildcard record "   \
	"may be answering."
#define RETYPE                                                                 \
	"Enter it again as tag=value; tag=value, without quotes or "           \
	"backslashes."
#define SLIP "Senders ignore it; correct it if it is a slip."

/* What the two records do not share. */
struct kind {
	struct str version; /* "v=STSv1" */
	const char *word;   /* in lower case, gives an attempt away */
	const char *tag;    /* the required one */
	const struct finding_check *none, *several, *others, *attempt, *syntax,
		*unknown, *missing, *space;
	/* Checks the tag's value; *n counts what was given so far. */
	void (*value)(struct finding_list *out, struct str value, size_t *n);
	size_t bytes_max;
};

static const struct finding_check sts_none = { "STS-01", FINDING_ERROR, R31,
	"Publish TXT \"v=STSv1; id=...\" at _mta-sts.DOMAIN." };
static const struct finding_check sts_several = { "STS-03", FINDING_ERROR, R31,
	KEEP_ONE };
static const struct finding_check sts_others = { "STS-04", FINDING_WARNING, R31,
	OTHERS };
static const struct finding_check sts_attempt = { "STS-05", FINDING_ERROR, R31,
	"Begin the record with \"v=STSv1;\", exactly so." };
static const struct finding_check sts_no_id = { "STS-06", FINDING_ERROR, R31,
	"Add an id, for example \"id=20260101T000000;\"." };
static const struct finding_check sts_bad_id = { "STS-07", FINDING_ERROR, R31,
	"Use 1 to 32 letters and digits, for example a UTC timestamp." };
static const struct finding_check sts_twice = { "STS-08", FINDING_WARNING, R31,
	"Keep one; only the first counts." };
static const struct finding_check sts_syntax = { "STS-09", FINDING_ERROR, R31,
	RETYPE };
static const struct finding_check sts_unknown = { "STS-10", FINDING_NOTE, R31,
	SLIP };
static const struct finding_check rpt_none = { "RPT-01", FINDING_ERROR, R3,
	"Publish TXT \"v=TLSRPTv1; rua=mailto:...\" at _smtp._tls.DOMAIN." };
static const struct finding_check rpt_several = { "RPT-03", FINDING_ERROR, R3,
	KEEP_ONE };
static const struct finding_check rpt_attempt = { "RPT-04", FINDING_ERROR, R3,
	"Begin the record with \"v=TLSRPTv1;\", exactly so." };
static const struct finding_check rpt_no_rua = { "RPT-05", FINDING_ERROR, R3,
	"Add \"rua=mailto:ADDRESS\"." };
static const struct finding_check rpt_scheme = { "RPT-06", FINDING_ERROR, R3,
	"Write mailto:ADDRESS or https://HOST/PATH." };
static const struct finding_check rpt_bad_uri = { "RPT-07", FINDING_ERROR, R3,
	"Correct the address; write \"!\", \",\" and \";\" as %21, %2C and "
	"%3B." };
static const struct finding_check rpt_many = { "RPT-10", FINDING_WARNING, R3,
	"Use one address and distribute from there: reporters need serve only "
	"one." };
static const struct finding_check rpt_unknown = { "RPT-11", FINDING_NOTE, R3,
	SLIP };
static const struct finding_check rpt_syntax = { "RPT-16", FINDING_ERROR, R3,
	RETYPE };
static const struct finding_check rpt_others = { "RPT-17", FINDING_WARNING, R3,
	OTHERS };
static const struct finding_check rpt_space = { "RPT-18", FINDING_WARNING, R3,
	"Remove the white space at the end." };

static void check_id(struct finding_list *out, struct str id, size_t *n)
{
	if ((*n)++ > 0)
		finding_add_check(out, &sts_twice, 0, "id is given twice");
	else if (!sts_id_valid(id))
		finding_add_check(out, &sts_bad_id, 0,
			"id \"%s\" is not 1 to 32 letters and digits",
			finding_quote(out, id));
}

static const struct finding_check *uri_check(enum tlsrpt_uri_fault f)
{
	if (f == TLSRPT_URI_EMPTY)
		return &rpt_no_rua;
	if (f == TLSRPT_URI_NO_SCHEME || f == TLSRPT_URI_BAD_SCHEME)
		return &rpt_scheme;
	return &rpt_bad_uri;
}

static void check_uri(struct finding_list *out, struct str text)
{
	enum tlsrpt_uri_fault fault;
	struct tlsrpt_uri uri;

	if (tlsrpt_uri_parse(out->arena, text, &uri, &fault) != ST_OK)
		out->failed = true;
	else if (fault != TLSRPT_URI_GOOD)
		finding_add_check(out, uri_check(fault), 0, "rua \"%s\" %s",
			finding_quote(out, text), tlsrpt_uri_fault_text(fault));
}

static void check_rua(struct finding_list *out, struct str value, size_t *n)
{
	for (; value.p != NULL; ++*n) {
		check_uri(out, str_trim(str_cut(&value, ',')));
		if (*n == 1)
			finding_add_check(out, &rpt_many, 0,
				"rua lists more than one address");
		if (*n == TLSRPT_RUA_MAX)
			finding_add_check(out, &rpt_bad_uri, 0,
				"rua lists more than %u addresses",
				TLSRPT_RUA_MAX);
	}
}

static const struct kind sts_kind = {
	.version = { "v=STSv1", 7 },
	.word = "stsv",
	.tag = "id",
	.none = &sts_none,
	.several = &sts_several,
	.others = &sts_others,
	.attempt = &sts_attempt,
	.syntax = &sts_syntax,
	.unknown = &sts_unknown,
	.missing = &sts_no_id,
	.space = &sts_syntax,
	.value = check_id,
	.bytes_max = STS_RECORD_BYTES_MAX,
};

static const struct kind rpt_kind = {
	.version = { "v=TLSRPTv1", 10 },
	.word = "tlsrpt",
	.tag = "rua",
	.none = &rpt_none,
	.several = &rpt_several,
	.others = &rpt_others,
	.attempt = &rpt_attempt,
	.syntax = &rpt_syntax,
	.unknown = &rpt_unknown,
	.missing = &rpt_no_rua,
	.space = &rpt_space,
	.value = check_rua,
	.bytes_max = TLSRPT_RECORD_BYTES_MAX,
};

/* Is it no such record, but was perhaps meant to be one? */
static bool is_attempt(const struct kind *k, struct str text)
{
	struct str word = str_of(k->word), rest = text;
	struct record_field f;

	for (size_t i = 0; i + word.n <= text.n; i++)
		if (str_eq_nocase(str_upto(str_from(text, i), word.n), word))
			return true;
	while (record_field_next(&rest, &f))
		if (str_eq_nocase(f.name, str_of(k->tag)))
			return true;
	return false;
}

static void unknown_field(const struct kind *k, const struct record_field *f,
	struct finding_list *out)
{
	const char *text = finding_quote(out, f->text);

	if (!record_value_valid(f->value))
		finding_add_check(out, k->syntax, 0,
			"\"%s\" has an empty value, or a space, \"=\" or a "
			"byte that is not ASCII in it",
			text);
	else if (str_eq_nocase(f->name, str_of(k->tag)))
		finding_add_check(out, k->unknown, 0,
			"\"%s\" is unknown; is \"%s\" in lower case meant?",
			text, k->tag);
	else
		finding_add_check(
			out, k->unknown, 0, "\"%s\" is an unknown tag", text);
}

/* The fields behind the version. */
static void check_fields(
	const struct kind *k, struct str rest, struct finding_list *out)
{
	struct record_field f;
	size_t n_given = 0;

	while (record_field_next(&rest, &f)) {
		bool is_tag = str_eq(f.name, str_of(k->tag));
		bool space = f.fault == RECORD_FIELD_END_SPACE;

		if (f.fault != RECORD_FIELD_GOOD)
			finding_add_check(out, space ? k->space : k->syntax, 0,
				"\"%s\" %s", finding_quote(out, f.text),
				record_fault_text(f.fault));
		if (f.fault != RECORD_FIELD_GOOD && !space)
			continue;
		if (is_tag)
			k->value(out, f.value, &n_given);
		else
			unknown_field(k, &f, out);
	}
	if (n_given == 0)
		finding_add_check(out, k->missing, 0, "%s is missing", k->tag);
}

/* A TXT record that is none of ours; found: how many are. */
static void check_other(const struct kind *k, struct str text, size_t found,
	struct finding_list *out)
{
	struct finding_check attempt = *k->attempt;

	/* Senders discard it; beside one good record it only confuses. */
	if (found == 1)
		attempt.level = FINDING_WARNING;
	if (is_attempt(k, text))
		finding_add_check(out, &attempt, 0,
			"\"%s\" does not begin with \"%.*s;\"",
			finding_quote(out, text), STR_ARG(k->version));
	else
		finding_add_check(out, k->others, 0,
			"\"%s\" does not belong here",
			finding_quote(out, text));
}

static void lint(const struct kind *k, const struct str *texts, size_t n,
	struct finding_list *out)
{
	struct str rest, fields = {};
	size_t found = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (!record_begins(texts[i], k->version, &rest))
			continue;
		found++;
		fields = rest;
		bytes = texts[i].n;
	}
	for (size_t i = 0; i < n; i++)
		if (!record_begins(texts[i], k->version, &rest))
			check_other(k, texts[i], found, out);
	if (found == 0)
		finding_add_check(out, k->none, 0,
			"no record begins with \"%.*s;\"", STR_ARG(k->version));
	if (found > 1)
		finding_add_check(out, k->several, 0,
			"%zu records begin with \"%.*s;\"", found,
			STR_ARG(k->version));
	if (found != 1)
		return;
	if (bytes > k->bytes_max)
		finding_add_check(out, k->syntax, 0,
			"the record has more than %zu bytes", k->bytes_max);
	check_fields(k, fields, out);
}

void record_lint_sts(
	const struct str *texts, size_t n, struct finding_list *out)
{
	lint(&sts_kind, texts, n, out);
}

void record_lint_tlsrpt(
	const struct str *texts, size_t n, struct finding_list *out)
{
	lint(&rpt_kind, texts, n, out);
}
