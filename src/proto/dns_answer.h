/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_answer: the authoritative answer to one ordinary question (RFC 1034
 * section 4.3.2 without referrals and wildcards, which the zone has none of).
 */
#pragma once

#include "base/arena.h"
#include "proto/dns_msg.h"
#include "proto/dns_source.h"

#define DNS_CNAME_CHAIN_MAX 8

/* What an answer was, for rate limits and counters. */
enum dns_answer_kind {
	DNS_ANSWER_DATA,
	DNS_ANSWER_NEGATIVE, /* NODATA, NXDOMAIN */
	DNS_ANSWER_ERROR,    /* everything else */
};

/*
 * Answers request (read by dns_request_read as DNS_REQUEST_OK) into w, which
 * dns_writer_answer has begun; the caller finishes it.
 *
 * Names outside the zone, other classes and meta types are REFUSED with
 * nothing but the question. NODATA and NXDOMAIN carry the SOA with its negative
 * TTL (RFC 2308 section 3). ANY gets one record set (RFC 8482 section 4.1).
 * What does not fit is truncated whole (RFC 2181 section 9). No additional
 * records but OPT, ever.
 */
enum dns_answer_kind dns_answer(const struct dns_source *source,
	struct arena *a, const struct dns_request *request,
	struct dns_writer *w);
