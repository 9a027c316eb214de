/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_xfr: an outgoing zone transfer as a row of messages: AXFR (RFC 5936), or
 * IXFR (RFC 1995) from the steps the source keeps, falling back to the whole
 * zone. One message is made per call, when the client has room for it.
 */
#pragma once

#include "proto/dns_handler.h"

#define DNS_XFR_MSG_BYTES 16384 /* compression reaches no further */
#define DNS_XFR_NAMES 256	/* owners fetched at once */

struct dns_xfr;

/*
 * A transfer for a request that dns_handle gave as DNS_RESULT_TRANSFER; copies
 * what it needs of both. NULL when memory is used up.
 */
struct dns_xfr *dns_xfr_new(const struct dns_source *source,
	const struct dns_request *request, const struct dns_result *result);
void dns_xfr_free(struct dns_xfr **x);

/*
 * Writes the next message into buf (DNS_MSG_MAX bytes). ST_NOTFOUND: the
 * transfer was complete before. ST_AGAIN: the zone changed under a transfer of
 * the whole zone; ST_TEMP, ST_LIMIT: no data or no memory. After those three
 * the connection must be closed: the client tries again.
 */
enum status dns_xfr_next(struct dns_xfr *x, void *buf, uint64_t now, size_t *n);
