/* SPDX-License-Identifier: Apache-2.0 */
/* dns_handler: what to do with one request, RFC 1035, 1995, 5936, 8945. */
#include "proto/dns_handler.h"

#include "base/poison.h"

/* Finishes w and signs it if the request was signed. */
static void finish(struct dns_writer *w, uint64_t now, struct dns_result *out)
{
	out->kind = DNS_RESULT_ANSWER;
	out->rcode = w->rcode;
	out->n = dns_writer_finish(w);
	if (out->has_tsig) {
		dns_tsig_sign(&out->tsig, &w->out, now);
		out->n = w->out.n;
		if (w->out.failed)
			out->kind = DNS_RESULT_NONE;
	}
}

static void begin(struct dns_writer *w, enum dns_transport transport,
	const struct dns_request *request, void *buf,
	const struct dns_result *out)
{
	size_t cap = transport == DNS_UDP ? DNS_UDP_MAX : DNS_MSG_MAX;
	size_t limit = cap;

	if (transport == DNS_UDP && request->udp_bytes < limit)
		limit = request->udp_bytes;
	dns_writer_answer(w, buf, cap, limit,
		out->has_tsig ? dns_tsig_bytes(&out->tsig) : 0, request);
}

/* RFC 8945 section 5.2: the rcode that goes with a failed verification. */
static enum dns_rcode verify(const struct dns_handler *h,
	const struct dns_request *request, uint64_t now, struct dns_result *out)
{
	enum dns_tsig_error error;

	if (!request->has_tsig)
		return DNS_NOERROR;
	error = dns_tsig_verify(h->keys, h->n_keys, h->hmac, request->msg,
		&request->tsig, now, &out->tsig);
	if (error == DNS_TSIG_FORMERR)
		return DNS_FORMERR;
	out->has_tsig = true;
	return error == DNS_TSIG_OK ? DNS_NOERROR : DNS_NOTAUTH;
}

static bool peer_allowed(
	const struct dns_handler *h, const struct ip_addr *peer)
{
	for (size_t i = 0; i < h->n_transfer_allow; i++)
		if (ip_net_has(&h->transfer_allow[i], peer))
			return true;
	return h->n_transfer_allow == 0;
}

static bool transfer_allowed(const struct dns_handler *h,
	const struct dns_request *request, const struct ip_addr *peer,
	const struct dns_result *out)
{
	if (h->n_keys == 0 && h->n_transfer_allow == 0)
		return false;
	if (h->n_keys > 0 && !out->has_tsig)
		return false;
	return request->question.class == DNS_CLASS_IN &&
	       dns_name_eq(&request->question.name, &h->source->apex) &&
	       peer_allowed(h, peer);
}

static bool is_transfer(const struct dns_request *request)
{
	return dns_opcode_of(request->flags) == DNS_OPCODE_QUERY &&
	       (request->question.type == DNS_TYPE_AXFR ||
		       request->question.type == DNS_TYPE_IXFR);
}

/* RFC 1995 section 2: the SOA alone sends an IXFR client to TCP. */
static enum dns_answer_kind answer_ixfr_udp(const struct dns_handler *h,
	struct arena *a, const struct dns_request *request,
	struct dns_writer *w)
{
	struct dns_request soa = *request;

	soa.question.type = DNS_TYPE_SOA;
	return dns_answer(h->source, a, &soa, w);
}

static enum dns_answer_kind refuse(struct dns_writer *w, enum dns_rcode rcode)
{
	w->rcode = rcode;
	return DNS_ANSWER_ERROR;
}

static void handle_transfer(const struct dns_handler *h, struct arena *a,
	enum dns_transport transport, const struct ip_addr *peer,
	const struct dns_request *request, struct dns_writer *w,
	struct dns_result *out)
{
	if (!transfer_allowed(h, request, peer, out))
		out->answer = refuse(w, DNS_REFUSED);
	else if (request->question.type == DNS_TYPE_IXFR &&
		 !request->has_serial)
		out->answer = refuse(w, DNS_FORMERR);
	else if (transport == DNS_TCP)
		out->kind = DNS_RESULT_TRANSFER;
	else if (request->question.type == DNS_TYPE_IXFR)
		out->answer = answer_ixfr_udp(h, a, request, w);
	else
		out->answer = refuse(w, DNS_REFUSED);
}

void dns_handle(const struct dns_handler *h, struct arena *a,
	enum dns_transport transport, const struct ip_addr *peer, uint64_t now,
	struct str msg, void *buf, struct dns_request *request,
	struct dns_result *out)
{
	enum dns_rcode rcode = DNS_FORMERR;
	struct dns_writer w;

	out->kind = DNS_RESULT_NONE;
	out->answer = DNS_ANSWER_ERROR;
	out->has_tsig = false;
	switch (dns_request_read(msg, request)) {
	case DNS_REQUEST_IGNORE:
		return;
	case DNS_REQUEST_FORMERR:
		break;
	case DNS_REQUEST_OK:
		rcode = verify(h, request, now, out);
		break;
	}
	begin(&w, transport, request, buf, out);
	if (rcode != DNS_NOERROR)
		out->answer = refuse(&w, rcode);
	else if (is_transfer(request) && request->edns_version == 0)
		handle_transfer(h, a, transport, peer, request, &w, out);
	else
		out->answer = dns_answer(h->source, a, request, &w);
	if (out->kind != DNS_RESULT_TRANSFER)
		finish(&w, now, out);
}

size_t dns_handle_slip(struct str msg, void *buf)
{
	struct dns_request request;
	struct dns_writer w;

	if (dns_request_read(msg, &request) != DNS_REQUEST_OK)
		return 0;
	dns_writer_answer(&w, buf, DNS_UDP_MAX, DNS_UDP_MIN, 0, &request);
	w.flags |= DNS_TC;
	return dns_writer_finish(&w);
}
