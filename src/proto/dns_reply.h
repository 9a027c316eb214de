/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_reply: the answers to the few questions moat puts to a name server
 * itself: NOTIFY, and "which serial do you serve" before a dns-01 challenge is
 * answered. Everything else goes through the resolver.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proto/dns_msg.h"

struct dns_reply {
	unsigned rcode;
	bool authoritative;
	bool truncated;
	bool has_soa; /* an SOA of the asked name in the answer section */
	uint32_t serial;
	bool has_tsig;
	struct dns_tsig tsig;
};

/* Writes a question for the SOA of zone into buf (DNS_UDP_MIN bytes). */
size_t dns_soa_query_write(void *buf, uint16_t id, const struct dns_name *zone);

/*
 * Reads msg as the answer to the request with that id, opcode and question
 * (class IN); false if it is something else or malformed.
 */
bool dns_reply_read(struct str msg, uint16_t id, enum dns_opcode opcode,
	const struct dns_name *name, uint16_t type, struct dns_reply *out);
