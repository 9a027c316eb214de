/* SPDX-License-Identifier: Apache-2.0 */
/* dns_notify: RFC 1996 sections 3.5 to 3.11, signed by RFC 8945. */
#include "base/bug.h"
#include "proto/dns_notify.h"
#include "proto/dns_reply.h"
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

int64_t dns_notify_wait_ms(const struct dns_notify *d, struct mono now)
{
	int64_t wait = -1;

	for (size_t i = 0; i < d->n; i++) {
		const struct dns_notify_target *t = &d->target[i];
		int64_t ms = t->next.ms > now.ms ? t->next.ms - now.ms : 0;

		if (t->pending && (wait < 0 || ms < wait))
			wait = ms;
	}
	return wait;
}

bool dns_notify_take(struct dns_notify *d, size_t target, struct unix_time utc,
	struct str msg, unsigned *rcode)
{
	struct dns_notify_target *t;
	struct dns_reply reply;

	BUG(target >= d->n);
	t = &d->target[target];
	if (!t->pending || t->tries == 0 ||
		!dns_reply_read(msg, t->id, DNS_OPCODE_NOTIFY, &d->apex,
			DNS_TYPE_SOA, &reply))
		return false;
	if (d->key != NULL &&
		(!reply.has_tsig ||
			dns_tsig_verify_answer(&t->tsig, msg, &reply.tsig,
				(uint64_t)utc.s) != DNS_TSIG_OK))
		return false;
	t->pending = false;
	*rcode = reply.rcode;
	return true;
}
