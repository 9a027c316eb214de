/* SPDX-License-Identifier: Apache-2.0 */
/* dns_msg: RFC 1035 section 4, RFC 6891, RFC 8945 section 5.1. */
#include <string.h>

#include "base/bug.h"
#include "proto/dns_msg.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define POINTER 0xc000u
#define POINTER_MAX 0x3fffu

unsigned dns_opcode_of(uint16_t flags)
{
	return (flags & DNS_OPCODE_MASK) >> DNS_OPCODE_SHIFT;
}

struct dns_header dns_header_read(struct wire_in *in)
{
	struct dns_header h = {};

	h.id = wire_u16(in);
	h.flags = wire_u16(in);
	for (size_t i = 0; i < 4; i++)
		h.count[i] = wire_u16(in);
	return h;
}

struct dns_question dns_question_read(struct wire_in *in)
{
	struct dns_question q = { .name = dns_name_read(in) };

	q.type = wire_u16(in);
	q.class = wire_u16(in);
	return q;
}

struct dns_rr dns_rr_read(struct wire_in *in)
{
	struct dns_rr rr = { .at = in->at };
	size_t n;

	rr.owner = dns_name_read(in);
	rr.type = wire_u16(in);
	rr.class = wire_u16(in);
	rr.ttl = wire_u32(in);
	n = wire_u16(in);
	rr.rdata_at = in->at;
	rr.rdata = wire_bytes(in, n);
	return rr;
}

enum status dns_rr_soa_read(
	struct str msg, const struct dns_rr *rr, struct dns_soa *out)
{
	struct wire_in in = wire_in_of(
		str_upto(msg, rr->rdata_at + rr->rdata.n));
	struct dns_soa soa;

	in.at = rr->rdata_at;
	soa.mname = dns_name_read(&in);
	soa.rname = dns_name_read(&in);
	soa.serial = wire_u32(&in);
	soa.refresh = wire_u32(&in);
	soa.retry = wire_u32(&in);
	soa.expire = wire_u32(&in);
	soa.minimum = wire_u32(&in);
	if (rr->type != DNS_TYPE_SOA || !wire_done(&in))
		return ST_INVALID;
	*out = soa;
	return ST_OK;
}

/* ---- requests ------------------------------------------------------------ */

/* RFC 6891 section 6.1: size in the class, version and DO in the TTL. */
static bool take_opt(struct dns_request *r, const struct dns_rr *rr)
{
	struct wire_in options = wire_in_of(rr->rdata);

	if (r->edns || rr->owner.n != 1)
		return false;
	r->edns = true;
	r->udp_bytes = rr->class < DNS_UDP_MIN ? DNS_UDP_MIN : rr->class;
	r->edns_version = (uint8_t)(rr->ttl >> 16);
	r->dnssec_ok = (rr->ttl & DNS_EDNS_DO) != 0;
	while (wire_left(&options) > 0) {
		(void)wire_u16(&options);
		(void)wire_bytes(&options, wire_u16(&options));
	}
	return wire_done(&options);
}

static bool take_tsig(struct dns_request *r, const struct dns_rr *rr)
{
	r->tsig.key = rr->owner;
	r->tsig.at = rr->at;
	r->has_tsig = true;
	return rr->class == DNS_CLASS_ANY && rr->ttl == 0 &&
	       dns_tsig_read(rr->rdata, &r->tsig);
}

/* One record of a request; false when it has no business being there. */
static bool take_record(struct dns_request *r, enum dns_section section,
	const struct dns_rr *rr, bool last)
{
	struct dns_soa soa;

	if (rr->type == DNS_TYPE_OPT)
		return section == DNS_ADDITIONAL && take_opt(r, rr);
	if (rr->type == DNS_TYPE_TSIG)
		return section == DNS_ADDITIONAL && last && take_tsig(r, rr);
	if (section == DNS_AUTHORITY && rr->type == DNS_TYPE_SOA &&
		r->question.type == DNS_TYPE_IXFR) {
		if (dns_rr_soa_read(r->msg, rr, &soa) != ST_OK)
			return false;
		r->has_serial = true;
		r->serial = soa.serial;
	}
	return true;
}

static bool take_records(
	struct dns_request *r, struct wire_in *in, const uint16_t count[4])
{
	size_t total = 0, seen = 0;

	for (enum dns_section i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++)
		total += count[i];
	if (total > DNS_REQUEST_RECORDS_MAX)
		return false;
	for (enum dns_section i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++) {
		for (size_t k = 0; k < count[i]; k++) {
			struct dns_rr rr = dns_rr_read(in);

			if (!wire_ok(in) ||
				!take_record(r, i, &rr, ++seen == total))
				return false;
		}
	}
	return wire_done(in);
}

enum dns_request_kind dns_request_read(struct str msg, struct dns_request *out)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);

	if (!wire_ok(&in) || (h.flags & DNS_QR) != 0)
		return DNS_REQUEST_IGNORE;
	out->id = h.id;
	out->flags = h.flags;
	out->msg = msg;
	out->has_question = out->edns = out->dnssec_ok = false;
	out->has_serial = out->has_tsig = false;
	out->edns_version = 0;
	out->udp_bytes = DNS_UDP_MIN;
	if (h.count[DNS_QUESTION] != 1)
		return DNS_REQUEST_FORMERR;
	out->question = dns_question_read(&in);
	/* Nothing stands before it that a pointer could lead to. */
	if (!wire_ok(&in) ||
		in.at != DNS_HEADER_BYTES + out->question.name.n + 4u)
		return DNS_REQUEST_FORMERR;
	out->has_question = true;
	return take_records(out, &in, h.count) ? DNS_REQUEST_OK
					       : DNS_REQUEST_FORMERR;
}

/* ---- writing ------------------------------------------------------------- */

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Is the name our writer put at offset at the one in wire form at p? */
static bool written_eq(const struct wire_out *out, size_t at, const uint8_t *p)
{
	for (;;) {
		size_t n = out->p[at];

		if (n > DNS_LABEL_MAX) {
			at = (n << 8 | out->p[at + 1]) & POINTER_MAX;
			continue;
		}
		if (n != *p)
			return false;
		if (n == 0)
			return true;
		for (size_t i = 1; i <= n; i++)
			if (fold(out->p[at + i]) != fold(p[i]))
				return false;
		at += n + 1;
		p += n + 1;
	}
}

static bool find_known(
	const struct dns_writer *w, const uint8_t *p, uint16_t *at)
{
	for (size_t i = 0; i < w->n_known; i++) {
		if (written_eq(&w->out, w->known[i], p)) {
			*at = w->known[i];
			return true;
		}
	}
	return false;
}

static void remember(struct dns_writer *w, size_t at)
{
	if (w->n_known < DNS_COMPRESS_MAX && at <= POINTER_MAX)
		w->known[w->n_known++] = (uint16_t)at;
}

/* RFC 1035 section 4.1.4: the longest suffix known becomes a pointer. */
static void put_name(struct dns_writer *w, const struct dns_name *name)
{
	const uint8_t *p = name->wire;
	uint16_t at;

	while (*p != 0) {
		if (find_known(w, p, &at)) {
			wire_put_u16(&w->out, (uint16_t)(POINTER | at));
			return;
		}
		remember(w, w->out.n);
		wire_put_bytes(
			&w->out, (struct str){ (const char *)p, *p + 1u });
		if (w->out.failed)
			return;
		p += *p + 1u;
	}
	wire_put_u8(&w->out, 0);
}

/* rdata of types whose names RFC 3597 section 4 lets a sender compress. */
static void put_rdata(struct dns_writer *w, uint16_t type, struct str rdata)
{
	struct wire_in in = wire_in_of(rdata);
	size_t names = 0;

	if (type == DNS_TYPE_NS || type == DNS_TYPE_CNAME)
		names = 1;
	else if (type == DNS_TYPE_SOA)
		names = 2;
	else if (type == DNS_TYPE_MX)
		names = 1;
	if (type == DNS_TYPE_MX)
		wire_put_u16(&w->out, wire_u16(&in));
	while (names-- > 0) {
		struct dns_name name = dns_name_read(&in);

		put_name(w, &name);
	}
	wire_put_bytes(&w->out, wire_bytes(&in, wire_left(&in)));
	if (!wire_ok(&in))
		w->out.failed = true;
}

bool dns_writer_put(struct dns_writer *w, enum dns_section section,
	const struct dns_name *owner, uint16_t type, uint32_t ttl,
	struct str rdata)
{
	size_t start = w->out.n, known = w->n_known, len_at;

	put_name(w, owner);
	wire_put_u16(&w->out, type);
	wire_put_u16(&w->out, DNS_CLASS_IN);
	wire_put_u32(&w->out, ttl);
	len_at = w->out.n;
	wire_put_u16(&w->out, 0);
	put_rdata(w, type, rdata);
	if (!w->out.failed && w->out.n <= w->limit &&
		w->count[section] < UINT16_MAX) {
		wire_patch_u16(
			&w->out, len_at, (uint16_t)(w->out.n - len_at - 2));
		w->count[section]++;
		return true;
	}
	w->out.n = start;
	w->out.failed = false;
	w->n_known = known;
	return false;
}

/* Header room and question; the header is filled in by finish. */
static void begin(struct dns_writer *w, void *buf, size_t cap, uint16_t id)
{
	*w = (struct dns_writer){ .out = wire_out_of(buf, cap), .limit = cap };
	wire_put_u16(&w->out, id);
	wire_put_u16(&w->out, 0);
	wire_put_u64(&w->out, 0);
}

static void remember_question(struct dns_writer *w)
{
	size_t at = DNS_HEADER_BYTES;

	w->count[DNS_QUESTION] = 1;
	while (at < w->out.n && w->out.p[at] != 0) {
		remember(w, at);
		at += w->out.p[at] + 1u;
	}
}

void dns_writer_answer(struct dns_writer *w, void *buf, size_t cap,
	size_t limit, size_t reserve, const struct dns_request *request)
{
	BUG(cap < DNS_UDP_MIN || limit < DNS_UDP_MIN || limit > cap);
	begin(w, buf, cap, request->id);
	w->flags = (uint16_t)(DNS_QR |
			      (request->flags & (DNS_OPCODE_MASK | DNS_RD)));
	w->edns = request->edns;
	w->dnssec_ok = request->dnssec_ok;
	reserve += w->edns ? DNS_EDNS_BYTES : 0;
	w->limit = limit > reserve ? limit - reserve : 0;
	if (!request->has_question)
		return;
	wire_put_bytes(&w->out, dns_name_wire(&request->question.name));
	wire_put_u16(&w->out, request->question.type);
	wire_put_u16(&w->out, request->question.class);
	remember_question(w);
}

void dns_writer_request(struct dns_writer *w, void *buf, size_t cap,
	uint16_t id, uint16_t flags, const struct dns_question *question,
	bool edns)
{
	begin(w, buf, cap, id);
	w->flags = flags;
	w->edns = edns;
	wire_put_bytes(&w->out, dns_name_wire(&question->name));
	wire_put_u16(&w->out, question->type);
	wire_put_u16(&w->out, question->class);
	remember_question(w);
}

void dns_writer_truncate(struct dns_writer *w)
{
	size_t at = DNS_HEADER_BYTES;

	if (w->count[DNS_QUESTION] > 0) {
		while (w->out.p[at] != 0)
			at += w->out.p[at] + 1u;
		at += 5;
	}
	w->out.n = at;
	w->n_known = 0;
	for (enum dns_section i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++)
		w->count[i] = 0;
	w->flags |= DNS_TC;
}

static void put_opt(struct dns_writer *w)
{
	wire_put_u8(&w->out, 0);
	wire_put_u16(&w->out, DNS_TYPE_OPT);
	wire_put_u16(&w->out, DNS_UDP_MAX);
	wire_put_u8(&w->out, (uint8_t)(w->rcode >> 4));
	wire_put_u8(&w->out, 0); /* version */
	wire_put_u16(&w->out, w->dnssec_ok ? DNS_EDNS_DO : 0);
	wire_put_u16(&w->out, 0);
	w->count[DNS_ADDITIONAL]++;
}

size_t dns_writer_finish(struct dns_writer *w)
{
	if (w->edns)
		put_opt(w);
	BUG(w->out.failed);
	wire_patch_u16(&w->out, 2, (uint16_t)(w->flags | (w->rcode & 0xfu)));
	for (size_t i = 0; i < 4; i++)
		wire_patch_u16(&w->out, 4 + 2 * i, w->count[i]);
	return w->out.n;
}
