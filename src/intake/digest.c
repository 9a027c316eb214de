/* SPDX-License-Identifier: Apache-2.0 */
/* digest: one file after the other. */
#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "intake/digest.h"
#include "intake/digest_owner.h"
#include "intake/dkim_verdict.h"
#include "io/crypto.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* One file: raw bytes, the child's answer, the parent's reading, rows. */
#define FILE_ARENA_MAX ((size_t)1 << 30)

#define BATCH_FILES 64u
#define BATCH_BYTES ((size_t)64 << 20) /* in the arenas of its files */

struct file {
	struct arena *arena;
	struct str name;
	struct spool_meta meta;
	struct str body;
	struct digest_reports reports;
	struct digest_owner *owners; /* of each report */
};

/* Files that share one transaction and one sync of the spool. */
struct batch {
	struct file files[BATCH_FILES];
	size_t n;
	size_t bytes; /* of memory */
};

/* Databases take no NUL in a text; JSON does. */
static struct str clean(struct file *f, struct str s)
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

static struct str proof_of(struct file *f, const struct dkim_verdict *v)
{
	struct str proof = {};

	if (v->result == DKIM_RESULT_PASS && v->aligned)
		proof = arena_fmt(f->arena, "dkim:%.*s", STR_ARG(v->domain));
	if (proof.n > 0)
		return proof;
	return f->meta.source == SPOOL_IMPORT ? STR("import") : STR("");
}

/* A key that cannot be had now may be had later; not for ever. */
static bool waits_for_key(const struct digest *d, const struct file *f)
{
	int64_t age_s = clock_now(d->clock).s - f->meta.received.s;
	int64_t tried_ms = digest_later_since_ms(
		d->later, f->name, clock_mono(d->clock));

	if (f->meta.source != SPOOL_MAIL ||
		(age_s > DIGEST_KEY_WAIT_S &&
			tried_ms >= 1000 * DIGEST_KEY_TRY_S) ||
		digest_later_count(d->later) > DIGEST_LATER_MAX / 2)
		return false;
	for (size_t i = 0; i < f->reports.n; i++) {
		struct dkim_verdict v = dkim_verdict_of(&f->reports, i);

		if (v.result == DKIM_RESULT_TEMP && v.aligned)
			return true;
	}
	return false;
}

static struct str sha256_of(struct file *f)
{
	unsigned char sum[CRYPTO_SHA256_BYTES];
	struct sbuf b = sbuf_arena(f->arena, 2 * sizeof(sum));

	crypto_sha256(f->body, sum);
	hex_write(&b, (struct str){ (char *)sum, sizeof(sum) });
	return sbuf_str(&b);
}

/* Rows */

static bool failures_to_rows(struct file *f, const struct tlsrpt_policy *p,
	struct store_report_policy *out)
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

static bool policies_to_rows(
	struct file *f, const struct tlsrpt_report *r, struct store_report *out)
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

static struct str dkim_text(const struct file *f, const struct dkim_verdict *v)
{
	if (!f->reports.is_mail)
		return STR("");
	/* Its key did not come in time. */
	return str_of(dkim_result_name(
		v->result == DKIM_RESULT_TEMP ? DKIM_RESULT_FAIL : v->result));
}

/* What nothing proves goes by the tenant's rule; see store.h. */
static enum status judge(const struct digest *d, struct file *f,
	const struct digest_owner *owner, const struct dkim_verdict *v,
	struct store_report *row, struct err *e)
{
	struct store_report_rule rule;
	enum status st;

	row->why = clean(f, v->reason);
	if (owner->elsewhere.n > 0) {
		row->state = STORE_REPORT_QUARANTINED;
		row->why = clean(f, arena_fmt(f->arena, "it is about %.*s",
					    STR_ARG(owner->elsewhere)));
		return ST_OK;
	}
	if (row->proof.n > 0)
		return ST_OK;
	st = store_report_rule_get(d->store, owner->tenant, &rule, e);
	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	row->state = f->meta.source == SPOOL_MAIL ? rule.mail : rule.post;
	if (v->result == DKIM_RESULT_PASS)
		row->why = STR("signed by another than who reports");
	else if (f->reports.is_mail && row->why.n == 0)
		row->why = STR("not signed (RFC 8460 section 3)");
	return ST_OK;
}

static enum status to_row(struct file *f, size_t i,
	const struct digest_owner *owner, const struct dkim_verdict *v,
	struct store_report *out, struct err *e)
{
	const struct tlsrpt_report *r = f->reports.items[i];

	*out = (struct store_report){
		.tenant = owner->tenant,
		.id = store_new_id(f->arena),
		.domain = owner->domain,
		.org = clean(f, r->organization),
		.report_id = clean(f, r->id),
		.contact = clean(f, r->contact),
		.begin = r->has_start ? r->start.s : 0,
		.end = r->has_end ? r->end.s : 0,
		.received = f->meta.received.s,
		.via = str_of(spool_source_name(f->meta.source)),
		.proof = proof_of(f, v),
		.dkim = dkim_text(f, v),
		.dkim_domain = v->domain,
		.dkim_aligned = v->aligned,
		.raw_name = f->name,
		.raw_sha256 = sha256_of(f),
		.quirks = f->reports.quirks[i],
	};
	if (!policies_to_rows(f, r, out))
		return err_set(e, ST_LIMIT, "the report is too long");
	return ST_OK;
}

static enum status find_owners(
	const struct digest *d, struct file *f, struct err *e)
{
	enum status st = ST_OK;

	f->owners = arena_array(f->arena, f->reports.n, sizeof(*f->owners));
	if (f->owners == NULL)
		return err_set(e, ST_LIMIT, "the report is too long");
	for (size_t i = 0; st == ST_OK && i < f->reports.n; i++)
		st = digest_owner_find(d->store, f->arena, &f->meta,
			f->reports.items[i], &f->owners[i], e);
	return st;
}

static enum status store_report(
	const struct digest *d, struct file *f, size_t i, struct err *e)
{
	struct dkim_verdict v = dkim_verdict_of(&f->reports, i);
	struct store_report row = {};
	bool added = false;
	enum status st;

	st = to_row(f, i, &f->owners[i], &v, &row, e);
	if (st == ST_OK)
		st = judge(d, f, &f->owners[i], &v, &row, e);
	if (st == ST_OK)
		st = store_report_add(d->store, &row, &added, e);
	if (st == ST_OK)
		LOG(LOG_INFO, added ? "report.stored" : "report.duplicate",
			KV_STR("file", f->name), KV_STR("domain", row.domain),
			KV_STR("org", row.org), KV_STR("id", row.report_id),
			KV_Z("via", spool_source_name(f->meta.source)),
			KV_Z("state", store_report_state_name(row.state)),
			KV_STR("proof", row.proof), KV_STR("why", row.why));
	return st;
}

/* What an earlier reading of the file has left. */
static enum status forget_rows(
	const struct digest *d, struct str name, struct err *e)
{
	enum status st = store_report_drop_raw(d->store, name, e);

	return st == ST_OK ? store_bad_report_drop(d->store, name, e) : st;
}

/* All reports of n files, or none. */
static enum status store_files(
	const struct digest *d, struct file *files, size_t n, struct err *e)
{
	enum status st = store_begin(d->store, e);

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = forget_rows(d, files[i].name, e);
		for (size_t k = 0; st == ST_OK && k < files[i].reports.n; k++)
			st = store_report(d, &files[i], k, e);
	}
	if (st == ST_OK)
		st = store_commit(d->store, e);
	if (st != ST_OK)
		store_rollback(d->store);
	return st;
}

/* Files */

/*
 * The disk would not read or move this file: it waits by itself. Not ST_OK:
 * too many do.
 */
static enum status put_off(const struct digest *d, struct str name,
	const struct err *why, struct err *e)
{
	if (digest_later_put(d->later, name, why, clock_mono(d->clock)))
		return ST_OK;
	return err_set(e, ST_TEMP, "%s", why->text);
}

/* To another folder, now or later. */
static enum status move_file(const struct digest *d, struct str name,
	enum spool_folder to, struct err *e)
{
	struct err why = {};
	enum status st = spool_move(d->spool, SPOOL_NEW, to, name, &why);

	if (st != ST_OK && st != ST_NOTFOUND)
		return put_off(d, name, &why, e);
	digest_later_drop(d->later, name);
	return ST_OK;
}

/* With one sync for all; if that fails, whatever can go goes. */
static enum status move_done(const struct digest *d, const struct str *names,
	size_t n, struct err *e)
{
	enum status st = spool_move_all(
		d->spool, SPOOL_NEW, SPOOL_DONE, names, n, NULL);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		digest_later_drop(d->later, names[i]);
	if (st == ST_OK)
		return ST_OK;
	st = ST_OK;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = move_file(d, names[i], SPOOL_DONE, e);
	return st;
}

/* Away with what cannot be read; the reason first, so that it is never lost. */
static enum status set_aside(const struct digest *d, struct file *f,
	const struct err *why, struct err *e)
{
	struct store_bad_report bad = {
		.name = f->name,
		.via = str_of(spool_source_name(f->meta.source)),
		.label = f->meta.id,
		.remote = f->meta.remote,
		.received = f->meta.received.s,
		.bytes = (int64_t)f->body.n,
		.reason = str_of(why->text),
	};
	enum status st = store_bad_report_put(d->store, &bad, e);

	if (st == ST_OK)
		st = move_file(d, f->name, SPOOL_BAD, e);
	LOG(LOG_WARN, "report.unreadable", KV_STR("file", f->name),
		KV_STR("id", f->meta.id), KV_STR("remote", f->meta.remote),
		KV_Z("reason", why->text));
	return st;
}

/* The file's own fault: it will not get better by waiting. */
static bool is_own_fault(enum status st)
{
	return st == ST_INVALID || st == ST_LIMIT;
}

/* An operator's own files have no budget. */
static enum status take_budget(
	const struct digest *d, struct file *f, struct err *e)
{
	enum status st = ST_OK;

	if (d->budget == NULL || f->meta.source == SPOOL_IMPORT)
		return ST_OK;
	for (size_t i = 0; st == ST_OK && i < f->reports.n; i++) {
		struct dkim_verdict v = dkim_verdict_of(&f->reports, i);
		struct store_report row = { .tenant = f->owners[i].tenant,
			.domain = f->owners[i].domain,
			.received = f->meta.received.s,
			.proof = proof_of(f, &v) };

		if (!policies_to_rows(f, f->reports.items[i], &row))
			return err_set(e, ST_LIMIT, "the report is too long");
		st = digest_budget_take(d->budget, &row, e);
	}
	return st;
}

/*
 * What becomes of a file that makes no rows. own: the failure is this file's
 * alone, though it may be better later; else it is told in e.
 */
static enum status give_up(const struct digest *d, struct file *f,
	enum status st, bool own, const struct err *why, struct err *e)
{
	if (is_own_fault(st))
		return set_aside(d, f, why, e);
	if (own && st == ST_NOTFOUND)
		return ST_OK; /* another digest was faster */
	if (own)
		return put_off(d, f->name, why, e);
	if (e != NULL)
		*e = *why;
	return st;
}

/* What is read at once. */
struct reading {
	struct file files[DIGEST_READ_FILES];
	struct digest_item items[DIGEST_READ_FILES];
	size_t n;
	size_t bytes;
};

static enum status reading_add(const struct digest *d, struct reading *r,
	struct str name, struct err *e)
{
	struct file *f = &r->files[r->n];
	struct err why = {};
	enum status st;

	*f = (struct file){ .arena = arena_must(FILE_ARENA_MAX), .name = name };
	st = spool_read(
		d->spool, SPOOL_NEW, name, f->arena, &f->meta, &f->body, &why);
	if (st == ST_OK) {
		r->items[r->n++] = (struct digest_item){ .arena = f->arena,
			.raw = f->body,
			.received = f->meta.received };
		r->bytes += f->body.n;
		return ST_OK;
	}
	st = give_up(d, f, st, true, &why, e);
	arena_free(&f->arena);
	return st;
}

/* A file that was read goes into the batch, or is set aside. */
static enum status batch_add(const struct digest *d, struct batch *b,
	struct file *f, struct digest_item *item, struct err *e)
{
	enum status st = item->st;
	bool own = false;

	f->reports = item->reports;
	if (st == ST_OK && waits_for_key(d, f)) {
		own = true;
		st = err_set(&item->err, ST_TEMP,
			"the key of its signature cannot be "
			"looked up");
	}
	if (st == ST_OK)
		st = find_owners(d, f, &item->err);
	if (st == ST_OK)
		st = take_budget(d, f, &item->err);
	if (st != ST_OK)
		return give_up(d, f, st, own, &item->err, e);
	b->files[b->n++] = *f;
	b->bytes += arena_used(f->arena);
	f->arena = NULL;
	return ST_OK;
}

/* Reads some more files into the batch; *i moves past them. */
static enum status batch_read(const struct digest *d, struct batch *b,
	const struct spool_names *names, size_t *i, struct err *e)
{
	struct reading *r = mem_must(sizeof(*r));
	enum status st = ST_OK;

	while (st == ST_OK && *i < names->n && b->n + r->n < BATCH_FILES &&
		r->n < DIGEST_READ_FILES && r->bytes < DIGEST_READ_BYTES)
		st = reading_add(d, r, names->items[(*i)++], e);
	if (st == ST_OK)
		st = digest_reader_read_all(d->reader, r->items, r->n, e);
	for (size_t k = 0; st == ST_OK && k < r->n; k++)
		st = batch_add(d, b, &r->files[k], &r->items[k], e);
	for (size_t k = 0; k < r->n; k++)
		arena_free(&r->files[k].arena);
	mem_free(r);
	return st;
}

/* What none of the others may suffer from is stored alone. */
static enum status store_alone(
	const struct digest *d, struct file *f, struct err *e)
{
	struct err why = {};
	enum status st = store_files(d, f, 1, &why);

	if (st == ST_OK)
		return move_file(d, f->name, SPOOL_DONE, e);
	if (is_own_fault(st))
		return set_aside(d, f, &why, e);
	if (e != NULL)
		*e = why;
	return st;
}

/* Stores the batch, then moves its files: in this order, see digest.h. */
static enum status batch_store(
	const struct digest *d, struct batch *b, struct err *e)
{
	struct str names[BATCH_FILES];
	enum status st;

	if (b->n == 0)
		return ST_OK;
	st = store_files(d, b->files, b->n, e);
	if (is_own_fault(st)) {
		st = ST_OK;
		for (size_t i = 0; st == ST_OK && i < b->n; i++)
			st = store_alone(d, &b->files[i], e);
		return st;
	}
	for (size_t i = 0; i < b->n; i++)
		names[i] = b->files[i].name;
	return st == ST_OK ? move_done(d, names, b->n, e) : st;
}

static void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		arena_free(&b->files[i].arena);
	*b = (struct batch){};
}

/* The oldest files that need not wait. */
static enum status list_files(const struct digest *d, size_t max,
	struct arena *a, struct spool_names *out, struct err *e)
{
	struct mono now = clock_mono(d->clock);
	struct spool_names names = {};
	size_t n = 0;
	enum status st = spool_list(d->spool, SPOOL_NEW,
		max + digest_later_count(d->later), a, &names, e);

	for (size_t i = 0; st == ST_OK && i < names.n && n < max; i++)
		if (!digest_later_waits(d->later, names.items[i], now))
			names.items[n++] = names.items[i];
	names.n = n;
	*out = names;
	return st;
}

enum status digest_run(
	const struct digest *d, size_t max, size_t *done, struct err *e)
{
	struct arena *a = arena_must(0);
	struct spool_names names = {};
	struct batch b = {};
	enum status st;
	size_t i = 0;

	*done = 0;
	st = list_files(d, max, a, &names, e);
	while (st == ST_OK && i < names.n) {
		while (st == ST_OK && i < names.n && b.n < BATCH_FILES &&
			b.bytes < BATCH_BYTES)
			st = batch_read(d, &b, &names, &i, e);
		if (st == ST_OK)
			st = batch_store(d, &b, e);
		batch_clear(&b);
		if (st == ST_OK)
			*done = i;
	}
	arena_free(&a);
	return st;
}
