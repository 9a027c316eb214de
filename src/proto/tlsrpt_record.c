/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_record: _smtp._tls TXT records, RFC 8460 section 3. */
#include "base/vec.h"
#include "proto/record_field.h"
#include "proto/tlsrpt_limits.h"
#include "proto/tlsrpt_record.h"

#include "base/poison.h"

#define VERSION STR("v=TLSRPTv1")
#define RULE "(RFC 8460 section 3)"

struct rua_list {
	struct tlsrpt_uri *items;
	size_t n, cap;
};

/* Does the record belong to TLS-RPT (begins with "v=TLSRPTv1", then ";")? */
static bool tlsrpt_record_is(struct str text)
{
	struct str rest;

	return record_begins(text, VERSION, &rest);
}

/* Keeps the first sentence of all that are wrong. */
static void set_why(
	struct err *why, bool *valid, const char *subject, const char *what)
{
	if (*valid)
		(void)err_set(why, ST_INVALID, "%s %s " RULE, subject, what);
	*valid = false;
}

/* The URIs of one rua field. ST_LIMIT: memory. */
static enum status read_rua(struct arena *a, struct str value,
	struct rua_list *rua, bool *valid, struct err *why)
{
	while (value.p != NULL) {
		struct str text = str_trim(str_cut(&value, ','));
		enum tlsrpt_uri_fault fault;
		struct tlsrpt_uri uri;
		enum status st = tlsrpt_uri_parse(a, text, &uri, &fault);

		if (st != ST_OK)
			return st;
		if (fault == TLSRPT_URI_GOOD && rua->n == TLSRPT_RUA_MAX)
			set_why(why, valid, "rua",
				"lists more than 32 addresses");
		else if (fault == TLSRPT_URI_GOOD && !VEC_PUSH(a, rua, uri))
			return ST_LIMIT;
		else if (fault != TLSRPT_URI_GOOD)
			set_why(why, valid, "an address in rua",
				tlsrpt_uri_fault_text(fault));
	}
	return ST_OK;
}

static enum status read_fields(struct arena *a, struct str rest,
	struct rua_list *rua, bool *valid, struct err *why)
{
	struct record_field f;
	bool has_rua = false;

	while (record_field_next(&rest, &f)) {
		if (f.fault != RECORD_FIELD_GOOD &&
			f.fault != RECORD_FIELD_END_SPACE) {
			set_why(why, valid, "a field",
				record_fault_text(f.fault));
			continue;
		}
		if (str_eq(f.name, STR("rua"))) {
			enum status st = read_rua(a, f.value, rua, valid, why);

			if (st != ST_OK)
				return st;
			has_rua = true;
		} else if (!record_value_valid(f.value)) {
			set_why(why, valid, "a field", "has no valid value");
		}
	}
	if (!has_rua)
		set_why(why, valid, "rua", "is missing");
	return ST_OK;
}

static enum status read_one(struct arena *a, struct str text,
	struct tlsrpt_record *out, struct err *why)
{
	struct rua_list rua = {};
	struct str rest = {};
	bool valid = true;
	enum status st;

	if (text.n > TLSRPT_RECORD_BYTES_MAX ||
		!record_begins(text, VERSION, &rest))
		set_why(why, &valid, "the record", "is too long");
	st = read_fields(a, rest, &rua, &valid, why);
	if (st != ST_OK)
		return st;
	out->rua = rua.items;
	out->n_rua = rua.n;
	out->outcome = valid ? TLSRPT_RECORD_VALID : TLSRPT_RECORD_INVALID;
	return ST_OK;
}

enum status tlsrpt_record_select(struct arena *a, const struct str *texts,
	size_t n, struct tlsrpt_record *out, struct err *why)
{
	struct tlsrpt_record rec = {};
	enum status st = ST_OK;
	size_t n_found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!tlsrpt_record_is(texts[i]))
			continue;
		rec.at = i;
		n_found++;
	}
	if (n_found == 0) {
		(void)err_set(why, ST_INVALID,
			"no TXT record begins with \"v=TLSRPTv1;\" " RULE);
		rec.outcome = TLSRPT_RECORD_NONE;
	} else if (n_found > 1) {
		(void)err_set(why, ST_INVALID,
			"%zu records begin with \"v=TLSRPTv1;\", there must "
			"be one " RULE,
			n_found);
		rec.outcome = TLSRPT_RECORD_SEVERAL;
	} else {
		st = read_one(a, texts[rec.at], &rec, why);
	}
	if (st == ST_OK)
		*out = rec;
	return st;
}

void tlsrpt_record_write(struct sbuf *b, const struct str *rua, size_t n)
{
	sbuf_addz(b, "v=TLSRPTv1; rua=");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sbuf_addc(b, ',');
		sbuf_add(b, rua[i]);
	}
}
