/* SPDX-License-Identifier: Apache-2.0 */
/* digest_rows: texts without what databases do not take, proof and state. */
#include <string.h>

#include "base/base64.h"
#include "base/sbuf.h"
#include "intake/digest_rows.h"
#include "intake/dkim_verdict.h"
#include "io/crypto.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* Databases take no NUL in a text; JSON does. */
static struct str clean(struct digest_file *f, struct str s)
{
	char *p;

	if (s.n == 0 || memchr(s.p, 0, s.n) == NULL)
		return s;
	p = arena_alloc(f->arena, s.n);
	if (p == NULL)
		return (struct str){};
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] == '\0' ? ' ' : s.p[i]);
	return (struct str){ p, s.n };
}

static struct str proof_of(struct digest_file *f, const struct dkim_verdict *v)
{
	struct str proof = {};

	if (v->result == DKIM_RESULT_PASS && v->aligned)
		proof = arena_fmt(f->arena, "dkim:%.*s", STR_ARG(v->domain));
	if (proof.n > 0)
		return proof;
	return f->meta.source == SPOOL_IMPORT ? STR("import") : STR("");
}

static struct str sha256_of(struct digest_file *f)
{
	unsigned char sum[CRYPTO_SHA256_BYTES];
	struct sbuf b = sbuf_arena(f->arena, 2 * sizeof(sum));

	crypto_sha256(f->body, sum);
	hex_write(&b, (struct str){ (char *)sum, sizeof(sum) });
	return sbuf_str(&b);
}

static bool failures_to_rows(struct digest_file *f,
	const struct tlsrpt_policy *p, struct store_report_policy *out)
{
	size_t n = p->failures.n;

	out->n_failures = n;
	out->failures = arena_array(f->arena, n, sizeof(*out->failures));
	if (out->failures == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct tlsrpt_failure *in = &p->failures.items[i];

		out->failures[i] = (struct store_report_failure){
			.result_type = clean(f, in->result_text),
			.sending_ip = clean(f, tlsrpt_ip_canonical(f->arena,
						       in->sending_mta_ip)),
			.receiving_host = clean(f, in->receiving_mx_hostname),
			.receiving_helo = clean(f, in->receiving_mx_helo),
			.receiving_ip = clean(f, tlsrpt_ip_canonical(f->arena,
							 in->receiving_ip)),
			.reason_code = clean(f, in->failure_reason_code),
			.info_uri = clean(f, in->additional_information),
			.sessions = in->failed_sessions,
		};
	}
	return true;
}

static bool policies_to_rows(struct digest_file *f,
	const struct tlsrpt_report *r, struct store_report *out)
{
	size_t n = r->policies.n;

	out->n_policies = n;
	out->policies = arena_array(f->arena, n, sizeof(*out->policies));
	if (out->policies == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct tlsrpt_policy *in = &r->policies.items[i];

		out->policies[i] = (struct store_report_policy){
			.type = clean(f, in->type_text),
			.domain = clean(f, in->domain),
			.strings = { in->lines.items, in->lines.n },
			.mx = { in->mx_hosts.items, in->mx_hosts.n },
			.ok = in->successful_sessions,
			.failed = in->failed_sessions,
		};
		if (!failures_to_rows(f, in, &out->policies[i]))
			return false;
	}
	return true;
}

static struct str dkim_text(
	const struct digest_file *f, const struct dkim_verdict *v)
{
	if (!f->reports.is_mail)
		return STR("");
	/* Its key did not come in time. */
	return str_of(dkim_result_name(
		v->result == DKIM_RESULT_TEMP ? DKIM_RESULT_FAIL : v->result));
}

/* What nothing proves goes by the tenant's rule; see store.h. */
static void judge(struct digest_file *f, const struct digest_owner *owner,
	const struct dkim_verdict *v, struct store_report *row)
{
	row->why = clean(f, v->reason);
	if (owner->elsewhere.n > 0) {
		row->state = STORE_REPORT_QUARANTINED;
		row->why = clean(f, arena_fmt(f->arena, "it is about %.*s",
					    STR_ARG(owner->elsewhere)));
		return;
	}
	if (row->proof.n > 0)
		return;
	row->state = f->meta.source == SPOOL_MAIL ? owner->rule.mail
						  : owner->rule.post;
	if (v->result == DKIM_RESULT_PASS)
		row->why = STR("signed by another than who reports");
	else if (f->reports.is_mail && row->why.n == 0)
		row->why = STR("not signed (RFC 8460 section 3)");
}

static enum status to_row(struct digest_file *f, size_t i, struct str sha256,
	const struct digest_owner *owner, struct store_report *out,
	struct err *e)
{
	const struct tlsrpt_report *r = f->reports.items[i];
	struct dkim_verdict v = dkim_verdict_of(&f->reports, i);

	*out = (struct store_report){
		.tenant = owner->tenant,
		.domain = owner->domain,
		.org = clean(f, r->organization),
		.report_id = clean(f, r->id),
		.contact = clean(f, r->contact),
		.begin = r->has_start ? r->start.s : 0,
		.end = r->has_end ? r->end.s : 0,
		.received = f->meta.received.s,
		.via = str_of(spool_source_name(f->meta.source)),
		.proof = proof_of(f, &v),
		.dkim = dkim_text(f, &v),
		.dkim_domain = v.domain,
		.dkim_aligned = v.aligned,
		.raw_name = f->name,
		.raw_sha256 = sha256,
		.quirks = f->reports.quirks[i],
	};
	judge(f, owner, &v, out);
	if (!policies_to_rows(f, r, out))
		return err_set(e, ST_LIMIT, "the report is too long");
	return ST_OK;
}

enum status digest_rows_make(
	struct digest_file *f, struct digest_known *known, struct err *e)
{
	size_t n = f->reports.n;
	struct store_report *rows = arena_array(f->arena, n, sizeof(*rows));
	struct str sha256 = sha256_of(f);
	enum status st = ST_OK;

	if (rows == NULL || sha256.p == NULL)
		return err_set(e, ST_LIMIT, "the report is too long");
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct digest_owner owner;

		st = digest_owner_find(known, f->arena, &f->meta,
			f->reports.items[i], &owner, e);
		if (st == ST_OK)
			st = to_row(f, i, sha256, &owner, &rows[i], e);
	}
	if (st == ST_OK)
		f->rows = rows;
	return st;
}
