/* SPDX-License-Identifier: Apache-2.0 */
/* sts_record: _mta-sts TXT records, RFC 8461 section 3.1. */
#include "proto/record_field.h"
#include "proto/sts_limits.h"
#include "proto/sts_record.h"

#include "base/poison.h"

#define VERSION STR("v=STSv1")
#define RULE "(RFC 8461 section 3.1)"

bool sts_id_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]))
			return false;
	return s.n > 0 && s.n <= STS_ID_BYTES_MAX;
}

/* Does the record belong to MTA-STS (begins with "v=STSv1", then ";")? */
static bool sts_record_is(struct str text)
{
	struct str rest;

	return record_begins(text, VERSION, &rest);
}

/* Reads one record; the status is ST_OK or ST_INVALID with a text. */
static enum status parse_one(struct str text, struct str *id, struct err *why)
{
	struct record_field f;
	struct str rest, found = {};

	if (text.n > STS_RECORD_BYTES_MAX ||
		!record_begins(text, VERSION, &rest))
		return err_set(why, ST_INVALID, "the record is too long");
	for (size_t n = 1; record_field_next(&rest, &f); n++) {
		bool is_id = str_eq(f.name, STR("id"));

		if (f.fault != RECORD_FIELD_GOOD)
			return err_set(why, ST_INVALID, "field %zu %s " RULE, n,
				record_fault_text(f.fault));
		if (!is_id && !record_value_valid(f.value))
			return err_set(why, ST_INVALID,
				"field %zu has a value that is empty or has a "
				"space, \"=\" or a byte that is not printable "
				"ASCII " RULE,
				n);
		if (!is_id || found.p != NULL)
			continue;
		if (!sts_id_valid(f.value))
			return err_set(why, ST_INVALID,
				"id is not 1 to 32 letters and digits " RULE);
		found = f.value;
	}
	if (found.p == NULL)
		return err_set(why, ST_INVALID, "id is missing " RULE);
	*id = found;
	return ST_OK;
}

struct sts_record sts_record_select(
	const struct str *texts, size_t n, struct err *why)
{
	struct sts_record out = {};
	size_t n_found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!sts_record_is(texts[i]))
			continue;
		out.at = i;
		n_found++;
	}
	if (n_found == 0) {
		(void)err_set(why, ST_INVALID,
			"no TXT record begins with \"v=STSv1;\" " RULE);
		out.outcome = STS_RECORD_NONE;
	} else if (n_found > 1) {
		(void)err_set(why, ST_INVALID,
			"%zu records begin with \"v=STSv1;\", there must be "
			"one " RULE,
			n_found);
		out.outcome = STS_RECORD_SEVERAL;
	} else if (parse_one(texts[out.at], &out.id, why) != ST_OK) {
		out.outcome = STS_RECORD_INVALID;
	} else {
		out.outcome = STS_RECORD_VALID;
	}
	return out;
}

void sts_record_write(struct sbuf *b, struct str id)
{
	sbuf_addz(b, "v=STSv1; id=");
	sbuf_add(b, id);
	sbuf_addc(b, ';');
}
