/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_reply: reads what a resolver replies to one question: does it belong to
 * the question, and what is the answer at the end of its CNAMEs. No I/O.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/resolver.h"
#include "proto/dns_msg.h"

#define DNS_REPLY_CNAMES_MAX 16
#define DNS_REPLY_RECORDS_MAX 512 /* of the type asked for */

struct dns_reply {
	unsigned rcode;
	bool cut;	/* TC: ask again over TCP */
	bool authentic; /* AD */
};

/*
 * true if msg is a reply with this id to exactly this question; out (not the
 * answer in it) is set then.
 */
bool dns_reply_fits(struct str msg, uint16_t id, const struct dns_question *q,
	struct dns_reply *out);

/*
 * The answer to q in a reply that fits and whose rcode is NOERROR or NXDOMAIN.
 * CNAMEs are followed in whatever order they come; ttl is the least of all
 * that was used, of a negative answer as RFC 2308 section 5 has it. security is
 * not set. ST_INVALID: malformed, or CNAMEs without end; ST_LIMIT: the arena or
 * DNS_REPLY_RECORDS_MAX.
 */
enum status dns_reply_read(struct arena *a, struct str msg,
	const struct dns_question *q, struct resolver_answer *out,
	struct err *e);
