/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_client: one question to one given DNS server, over UDP and, when the
 * answer is cut, over TCP (RFC 7766). Blocking with a deadline; for asking
 * authoritative servers themselves. Validated look-ups are resolver.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "proto/dns_name.h"
#include "proto/dns_rr.h"

struct addr;

#define DNS_CLIENT_RECORDS_MAX 512

struct dns_record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl;
	struct str rdata; /* names inside are not compressed */
};

struct dns_result {
	int rcode;
	bool authoritative; /* the AA bit */
	struct dns_record *answer;
	size_t n_answer;
};

/*
 * Asks for (name, type). ST_OK: a well-formed reply to this question came,
 * whatever its rcode; ST_TEMP: none in time; ST_INVALID: it cannot be read, or
 * has more than DNS_CLIENT_RECORDS_MAX answers.
 */
enum status dns_client_ask(const struct addr *server,
	const struct dns_name *name, uint16_t type, bool recursion,
	struct mono deadline, struct arena *a, struct dns_result *out,
	struct err *e);

/* Reads a whole message; exported for the fuzzer. */
enum status dns_result_parse(struct arena *a, struct str message, uint16_t id,
	const struct dns_name *name, uint16_t type, struct dns_result *out,
	bool *cut, struct err *e);
