/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_handler: one request in, at most one answer out: the whole of an
 * authoritative server but its sockets. Zone transfers over TCP are handed to
 * dns_xfr, which gives many answers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proto/dns_answer.h"
#include "proto/dns_msg.h"
#include "proto/dns_source.h"
#include "proto/dns_tsig.h"
#include "proto/ip_net.h"

/* Configured once; everything borrowed. */
struct dns_handler {
	const struct dns_source *source;
	dns_hmac_fn *hmac;
	const struct dns_tsig_key *keys;
	size_t n_keys;
	const struct ip_net *transfer_allow;
	size_t n_transfer_allow;
};

enum dns_transport { DNS_UDP, DNS_TCP };

enum dns_result_kind {
	DNS_RESULT_NONE,     /* say nothing */
	DNS_RESULT_ANSWER,   /* n bytes in buf */
	DNS_RESULT_TRANSFER, /* go on with dns_xfr_new */
};

struct dns_result {
	enum dns_result_kind kind;
	enum dns_answer_kind answer;
	unsigned rcode;
	size_t n;
	struct dns_tsig_session tsig; /* valid with has_tsig */
	bool has_tsig;
};

/*
 * Handles request msg from peer at time now (UTC seconds). buf takes the
 * answer: DNS_UDP_MAX bytes for UDP, DNS_MSG_MAX for TCP. *request is filled
 * for DNS_RESULT_TRANSFER and borrows msg.
 *
 * A transfer is allowed if keys or an allow-list are configured, and then the
 * request must satisfy all that is: be signed with one of the keys, come from
 * one of the networks. Else it is REFUSED.
 */
void dns_handle(const struct dns_handler *h, struct arena *a,
	enum dns_transport transport, const struct ip_addr *peer, uint64_t now,
	struct str msg, void *buf, struct dns_request *request,
	struct dns_result *out);

/*
 * Writes a truncated answer without records to request msg into buf of
 * DNS_UDP_MAX bytes: the "slip" of a rate limit, which lets a real client come
 * back over TCP. 0: msg deserves no answer.
 */
size_t dns_handle_slip(struct str msg, void *buf);
