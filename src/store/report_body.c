/* SPDX-License-Identifier: Apache-2.0 */
/* report_body: a version byte, then all in order, big-endian (base/wire.h). */
#include "store/report_body.h"
#include "base/bug.h"
#include "base/wire.h"
#include "store/table.h"

#include "base/poison.h"

#define VERSION 1

/* What the shortest of each takes, so that a false count cannot ask for more
 * memory than the body is long. */
#define STR_MIN 4u
#define FAILURE_MIN (7 * STR_MIN + 8)
#define POLICY_MIN (2 * STR_MIN + 2 * 4 + 2 * 8 + 4)

/* ---- writing ------------------------------------------------------------- */

static size_t strs_size(const struct store_strs *list)
{
	size_t n = 4;

	for (size_t i = 0; i < list->n; i++)
		n += STR_MIN + list->items[i].n;
	return n;
}

static size_t failure_size(const struct store_report_failure *f)
{
	return FAILURE_MIN + f->result_type.n + f->sending_ip.n +
	       f->receiving_host.n + f->receiving_helo.n + f->receiving_ip.n +
	       f->reason_code.n + f->info_uri.n;
}

static size_t policy_size(const struct store_report_policy *p)
{
	size_t n = 2 * STR_MIN + p->type.n + p->domain.n +
		   strs_size(&p->strings) + strs_size(&p->mx) + 2 * 8 + 4;

	for (size_t i = 0; i < p->n_failures; i++)
		n += failure_size(&p->failures[i]);
	return n;
}

static bool put_text(struct wire_out *out, struct str text)
{
	wire_put_str(out, text);
	return store_text_ok(text);
}

static bool put_failure(
	struct wire_out *out, const struct store_report_failure *f)
{
	bool good = put_text(out, f->result_type);

	good &= put_text(out, f->sending_ip);
	good &= put_text(out, f->receiving_host);
	good &= put_text(out, f->receiving_helo);
	good &= put_text(out, f->receiving_ip);
	good &= put_text(out, f->reason_code);
	good &= put_text(out, f->info_uri);
	wire_put_u64(out, (uint64_t)f->sessions);
	return good;
}

static bool put_policy(
	struct wire_out *out, const struct store_report_policy *p)
{
	bool good = put_text(out, p->type);

	good &= put_text(out, p->domain);
	wire_put_strs(out, p->strings.items, p->strings.n);
	wire_put_strs(out, p->mx.items, p->mx.n);
	wire_put_u64(out, (uint64_t)p->ok);
	wire_put_u64(out, (uint64_t)p->failed);
	wire_put_u32(out, (uint32_t)p->n_failures);
	for (size_t i = 0; i < p->n_failures; i++)
		good &= put_failure(out, &p->failures[i]);
	return good;
}

enum status report_body_write(struct arena *a,
	const struct store_report_policy *policies, size_t n, struct str *out,
	struct err *e)
{
	struct wire_out w = {};
	size_t size = 1 + 4;
	bool good = true;

	for (size_t i = 0; i < n; i++)
		size += policy_size(&policies[i]);
	if (size <= REPORT_BODY_MAX)
		w = wire_out_of(arena_alloc(a, size), size);
	if (w.p == NULL)
		return err_set(e, ST_LIMIT, "the report is too long");
	wire_put_u8(&w, VERSION);
	wire_put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		good &= put_policy(&w, &policies[i]);
	BUG(w.failed || w.n != size);
	if (!good)
		return err_set(e, ST_INVALID, "a text of it is not UTF-8");
	*out = wire_out_str(&w);
	return ST_OK;
}

/* ---- reading ------------------------------------------------------------- */

static void read_failure(struct wire_in *in, struct store_report_failure *f)
{
	f->result_type = wire_str(in);
	f->sending_ip = wire_str(in);
	f->receiving_host = wire_str(in);
	f->receiving_helo = wire_str(in);
	f->receiving_ip = wire_str(in);
	f->reason_code = wire_str(in);
	f->info_uri = wire_str(in);
	f->sessions = (int64_t)wire_u64(in);
}

static enum status read_policy(
	struct arena *a, struct wire_in *in, struct store_report_policy *p)
{
	enum status st;

	p->type = wire_str(in);
	p->domain = wire_str(in);
	st = wire_strs(in, a, &p->strings.items, &p->strings.n);
	if (st == ST_OK)
		st = wire_strs(in, a, &p->mx.items, &p->mx.n);
	p->ok = (int64_t)wire_u64(in);
	p->failed = (int64_t)wire_u64(in);
	if (st == ST_OK)
		st = wire_array(in, a, FAILURE_MIN, sizeof(*p->failures),
			&p->failures, &p->n_failures);
	for (size_t i = 0; st == ST_OK && i < p->n_failures; i++)
		read_failure(in, &p->failures[i]);
	return st;
}

enum status report_body_read(struct arena *a, struct str body,
	struct store_report_policy **out, size_t *n)
{
	struct wire_in in = wire_in_of(body);
	struct store_report_policy *policies;
	enum status st;
	size_t count;

	if (wire_u8(&in) != VERSION)
		return ST_INVALID;
	st = wire_array(
		&in, a, POLICY_MIN, sizeof(*policies), &policies, &count);
	for (size_t i = 0; st == ST_OK && i < count; i++)
		st = read_policy(a, &in, &policies[i]);
	if (st == ST_OK && !wire_done(&in))
		st = ST_INVALID;
	if (st == ST_OK) {
		*out = policies;
		*n = count;
	}
	return st;
}
