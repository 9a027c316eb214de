/* SPDX-License-Identifier: Apache-2.0 */
/* dns_notify: RFC 1996 sections 3.5 to 3.11, signed by RFC 8945. */
#include "base/bug.h"
#include "proto/dns_notify.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

void dns_notify_init(struct dns_notify *d, const struct dns_name *apex,
	const struct dns_tsig_key *key, dns_hmac_fn *hmac, size_t n)
{
	BUG(n > DNS_NOTIFY_TARGETS_MAX);
	*d = (struct dns_notify){
		.apex = *apex, .key = key, .hmac = hmac, .n = n
	};
}

void dns_notify_begin(struct dns_notify *d, struct mono now)
{
	for (size_t i = 0; i < d->n; i++) {
		d->target[i].pending = true;
		d->target[i].tries = 0;
		d->target[i].next = now;
	}
}

static int64_t pause_ms(unsigned tries)
{
	int64_t ms = DNS_NOTIFY_FIRST_MS;

	while (tries-- > 0 && ms < DNS_NOTIFY_LAST_MS)
		ms *= 2;
	return ms < DNS_NOTIFY_LAST_MS ? ms : DNS_NOTIFY_LAST_MS;
}

static size_t write_message(const struct dns_notify *d,
	struct dns_notify_target *t, struct unix_time utc, void *buf)
{
	const struct dns_question soa = {
		.name = d->apex, .type = DNS_TYPE_SOA, .class = DNS_CLASS_IN
	};
	struct dns_writer w;

	dns_writer_request(&w, buf, DNS_UDP_MAX, t->id,
		DNS_OPCODE_NOTIFY << DNS_OPCODE_SHIFT | DNS_AA, &soa, false);
	(void)dns_writer_finish(&w);
	if (d->key != NULL)
		dns_tsig_sign_request(
			&t->tsig, d->key, d->hmac, &w.out, (uint64_t)utc.s);
	BUG(w.out.failed);
	return w.out.n;
}

bool dns_notify_next(struct dns_notify *d, struct mono now,
	struct unix_time utc, uint16_t id, void *buf, size_t *n, size_t *target)
{
	for (size_t i = 0; i < d->n; i++) {
		struct dns_notify_target *t = &d->target[i];

		if (!t->pending || t->next.ms > now.ms)
			continue;
		t->id = id;
		t->next.ms = now.ms + pause_ms(t->tries++);
		*n = write_message(d, t, utc, buf);
		*target = i;
		return true;
	}
	return false;
}

static bool read_question(struct wire_in *in, const struct dns_header *h,
	const struct dns_name *apex)
{
	struct dns_question q;

	if (h->count[DNS_QUESTION] != 1)
		return false;
	q = dns_question_read(in);
	return wire_ok(in) && q.type == DNS_TYPE_SOA &&
	       q.class == DNS_CLASS_IN && dns_name_eq(&q.name, apex);
}

/* The last record, if it is a signature; all are skipped. */
static bool read_tsig(
	struct wire_in *in, const struct dns_header *h, struct dns_tsig *tsig)
{
	struct dns_rr rr = {};

	for (size_t n = (size_t)h->count[DNS_ANSWER] + h->count[DNS_AUTHORITY] +
			h->count[DNS_ADDITIONAL];
		n > 0 && wire_ok(in); n--)
		rr = dns_rr_read(in);
	tsig->key = rr.owner;
	tsig->at = rr.at;
	return wire_done(in) && h->count[DNS_ADDITIONAL] > 0 &&
	       rr.type == DNS_TYPE_TSIG && dns_tsig_read(rr.rdata, tsig);
}

bool dns_notify_take(struct dns_notify *d, size_t target, struct unix_time utc,
	struct str msg, unsigned *rcode)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);
	struct dns_notify_target *t;
	struct dns_tsig tsig;

	BUG(target >= d->n);
	t = &d->target[target];
	if (!t->pending || t->tries == 0 || !wire_ok(&in) || h.id != t->id ||
		(h.flags & DNS_QR) == 0 ||
		dns_opcode_of(h.flags) != DNS_OPCODE_NOTIFY ||
		!read_question(&in, &h, &d->apex))
		return false;
	if (d->key != NULL &&
		(!read_tsig(&in, &h, &tsig) ||
			dns_tsig_verify_answer(&t->tsig, msg, &tsig,
				(uint64_t)utc.s) != DNS_TSIG_OK))
		return false;
	t->pending = false;
	*rcode = h.flags & 0xfu;
	return true;
}
