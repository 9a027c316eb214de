/* SPDX-License-Identifier: Apache-2.0 */
/* dns_reply: RFC 1035 section 4, matched as RFC 5452 section 9.1 wants. */
#include "proto/dns_reply.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

size_t dns_soa_query_write(void *buf, uint16_t id, const struct dns_name *zone)
{
	const struct dns_question q = {
		.name = *zone, .type = DNS_TYPE_SOA, .class = DNS_CLASS_IN
	};
	struct dns_writer w;

	dns_writer_request(&w, buf, DNS_UDP_MIN, id, 0, &q, false);
	return dns_writer_finish(&w);
}

/* true unless the record is malformed. */
static bool take_record(struct str msg, enum dns_section section,
	const struct dns_name *name, const struct dns_rr *rr,
	struct dns_reply *out)
{
	struct dns_soa soa;

	if (section == DNS_ANSWER && rr->type == DNS_TYPE_SOA &&
		rr->class == DNS_CLASS_IN && dns_name_eq(&rr->owner, name)) {
		if (dns_rr_soa_read(msg, rr, &soa) != ST_OK)
			return false;
		out->has_soa = true;
		out->serial = soa.serial;
	}
	if (section == DNS_ADDITIONAL && rr->type == DNS_TYPE_TSIG) {
		out->has_tsig = true;
		out->tsig.key = rr->owner;
		out->tsig.at = rr->at;
		return dns_tsig_read(rr->rdata, &out->tsig);
	}
	return !out->has_tsig; /* TSIG is the last record */
}

static bool read_question(struct wire_in *in, const struct dns_header *h,
	const struct dns_name *name, uint16_t type)
{
	struct dns_question q;

	if (h->count[DNS_QUESTION] != 1)
		return false;
	q = dns_question_read(in);
	return wire_ok(in) && q.type == type && q.class == DNS_CLASS_IN &&
	       dns_name_eq(&q.name, name);
}

bool dns_reply_read(struct str msg, uint16_t id, enum dns_opcode opcode,
	const struct dns_name *name, uint16_t type, struct dns_reply *out)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);

	if (!wire_ok(&in) || h.id != id || (h.flags & DNS_QR) == 0 ||
		dns_opcode_of(h.flags) != opcode)
		return false;
	*out = (struct dns_reply){ .rcode = h.flags & 0xfu,
		.authoritative = (h.flags & DNS_AA) != 0,
		.truncated = (h.flags & DNS_TC) != 0 };
	if (!read_question(&in, &h, name, type))
		return false;
	for (enum dns_section i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++) {
		for (size_t k = 0; k < h.count[i]; k++) {
			struct dns_rr rr = dns_rr_read(&in);

			if (!wire_ok(&in) ||
				!take_record(msg, i, name, &rr, out))
				return false;
		}
	}
	return wire_done(&in);
}
