/* SPDX-License-Identifier: Apache-2.0 */
/* dns_reply: RFC 1034 section 3.6.2, RFC 1035 section 4, RFC 2308. */
#include <string.h>

#include "base/vec.h"
#include "io/dns_reply.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define RCODE_MASK 15u

/* A reply being read. */
struct reading {
	struct str msg;
	struct dns_header head;
	size_t answer_at; /* offset of the first record */
	const struct dns_question *q;
	struct dns_name name; /* where the CNAMEs have led to so far */
	unsigned cnames;
	uint32_t ttl;
};

struct rdatas {
	struct str *items;
	size_t n, cap;
};

bool dns_reply_fits(struct str msg, uint16_t id, const struct dns_question *q,
	struct dns_reply *out)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);
	struct dns_question asked = dns_question_read(&in);

	if (!wire_ok(&in) || h.id != id || (h.flags & DNS_QR) == 0 ||
		dns_opcode_of(h.flags) != DNS_OPCODE_QUERY ||
		h.count[DNS_QUESTION] != 1 || asked.type != q->type ||
		asked.class != q->class || !dns_name_eq(&asked.name, &q->name))
		return false;
	*out = (struct dns_reply){ .rcode = h.flags & RCODE_MASK,
		.cut = (h.flags & DNS_TC) != 0,
		.authentic = (h.flags & DNS_AD) != 0 };
	return true;
}

static void use_ttl(struct reading *r, uint32_t ttl)
{
	/* RFC 2181 section 8: the top bit means 0. */
	if (ttl > DNS_TTL_MAX)
		ttl = 0;
	if (ttl < r->ttl)
		r->ttl = ttl;
}

/* The name that rdata of message msg begins with, from offset at on. */
static bool name_in(struct str msg, const struct dns_rr *rr, size_t at,
	struct dns_name *name, size_t *next)
{
	struct wire_in in = wire_in_of(
		str_upto(msg, rr->rdata_at + rr->rdata.n));

	in.at = rr->rdata_at + at;
	if (at > rr->rdata.n)
		return false;
	*name = dns_name_read(&in);
	*next = in.at - rr->rdata_at;
	return wire_ok(&in);
}

static struct wire_in answers_of(const struct reading *r)
{
	struct wire_in in = wire_in_of(r->msg);

	in.at = r->answer_at;
	return in;
}

static bool owns(const struct reading *r, const struct dns_rr *rr)
{
	return rr->class == r->q->class && dns_name_eq(&rr->owner, &r->name);
}

/* One pass over the answers, along CNAMEs in order; *moved: there was one. */
static enum status follow_pass(struct reading *r, bool *moved, struct err *e)
{
	struct wire_in in = answers_of(r);

	*moved = false;
	for (size_t i = 0; i < r->head.count[DNS_ANSWER]; i++) {
		struct dns_rr rr = dns_rr_read(&in);
		size_t next;

		if (!wire_ok(&in))
			return err_set(e, ST_INVALID, "a malformed reply");
		if (rr.type != DNS_TYPE_CNAME || !owns(r, &rr))
			continue;
		if (!name_in(r->msg, &rr, 0, &r->name, &next) ||
			next != rr.rdata.n)
			return err_set(e, ST_INVALID, "a malformed CNAME");
		if (++r->cnames > DNS_REPLY_CNAMES_MAX)
			return err_set(e, ST_INVALID, "CNAMEs without end");
		use_ttl(r, rr.ttl);
		*moved = true;
	}
	return ST_OK;
}

static enum status follow(struct reading *r, struct err *e)
{
	enum status st = ST_OK;
	bool moved = r->q->type != DNS_TYPE_CNAME;

	while (st == ST_OK && moved)
		st = follow_pass(r, &moved, e);
	return st;
}

/* rdata with its names written out, as the readers of dns_rr.h want it. */
static bool copy_rdata(struct arena *a, struct str msg, const struct dns_rr *rr,
	struct str *out)
{
	size_t cap = rr->rdata.n + 2 * DNS_NAME_MAX, at = 0, names = 0;
	struct dns_name name;
	struct wire_out w;

	if (rr->type == DNS_TYPE_SOA)
		names = 2;
	else if (rr->type == DNS_TYPE_MX || rr->type == DNS_TYPE_NS ||
		 rr->type == DNS_TYPE_CNAME || rr->type == DNS_TYPE_PTR)
		names = 1;
	if (names == 0) {
		*out = arena_str(a, rr->rdata);
		return out->p != NULL;
	}
	w = wire_out_of(arena_alloc(a, cap), cap);
	if (w.p == NULL)
		return false;
	if (rr->type == DNS_TYPE_MX) {
		at = rr->rdata.n < 2 ? rr->rdata.n : 2;
		wire_put_bytes(&w, str_upto(rr->rdata, at));
	}
	while (names-- > 0) {
		/* What is malformed becomes empty; its reader will say so. */
		if (!name_in(msg, rr, at, &name, &at)) {
			*out = STR("");
			return true;
		}
		wire_put_bytes(&w, dns_name_wire(&name));
	}
	wire_put_bytes(&w, str_from(rr->rdata, at));
	*out = wire_out_str(&w);
	return !w.failed;
}

/* The records of the type at the end of the CNAMEs. */
static enum status collect(struct reading *r, struct arena *a,
	struct rdatas *out, struct wire_in *in, struct err *e)
{
	for (size_t i = 0; i < r->head.count[DNS_ANSWER]; i++) {
		struct dns_rr rr = dns_rr_read(in);
		struct str rdata;

		if (!wire_ok(in))
			return err_set(e, ST_INVALID, "a malformed reply");
		if (rr.type != r->q->type || !owns(r, &rr))
			continue;
		if (out->n == DNS_REPLY_RECORDS_MAX ||
			!copy_rdata(a, r->msg, &rr, &rdata) ||
			!VEC_PUSH(a, out, rdata))
			return err_set(e, ST_LIMIT, "the answer is too large");
		use_ttl(r, rr.ttl);
	}
	return ST_OK;
}

/* RFC 2308 section 5; without a SOA nothing may be kept. */
static void use_negative_ttl(struct reading *r, struct wire_in *in)
{
	for (size_t i = 0; i < r->head.count[DNS_AUTHORITY]; i++) {
		struct dns_rr rr = dns_rr_read(in);
		struct dns_soa soa;

		if (!wire_ok(in))
			break;
		if (rr.type != DNS_TYPE_SOA ||
			dns_rr_soa_read(r->msg, &rr, &soa) != ST_OK)
			continue;
		use_ttl(r, rr.ttl);
		use_ttl(r, soa.minimum);
		return;
	}
	use_ttl(r, 0);
}

static bool write_name(
	struct arena *a, const struct dns_name *name, struct str *out)
{
	char p[DNS_NAME_TEXT_MAX];
	struct sbuf b = sbuf_fixed(p, sizeof(p));

	dns_name_write(&b, name);
	*out = arena_str(a, sbuf_str(&b));
	return out->p != NULL;
}

enum status dns_reply_read(struct arena *a, struct str msg,
	const struct dns_question *q, struct resolver_answer *out,
	struct err *e)
{
	struct reading r = {
		.msg = msg, .q = q, .name = q->name, .ttl = DNS_TTL_MAX
	};
	struct resolver_answer ans = {};
	struct wire_in in = wire_in_of(msg);
	struct rdatas found = {};
	enum status st;

	r.head = dns_header_read(&in);
	(void)dns_question_read(&in);
	if (!wire_ok(&in))
		return err_set(e, ST_INVALID, "a malformed reply");
	r.answer_at = in.at;
	st = follow(&r, e);
	if (st == ST_OK)
		st = collect(&r, a, &found, &in, e);
	if (st != ST_OK)
		return st;
	if (found.n == 0)
		use_negative_ttl(&r, &in);
	if (!write_name(a, &r.name, &ans.canonical))
		return err_set(e, ST_LIMIT, "the answer is too large");
	ans.nxdomain = found.n == 0 &&
		       (r.head.flags & RCODE_MASK) == DNS_NXDOMAIN;
	ans.rdata = found.items;
	ans.n = found.n;
	ans.ttl = r.ttl;
	*out = ans;
	return ST_OK;
}
