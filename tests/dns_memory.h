/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_memory: a small zone in memory as a dns_source, for tests and fuzzers.
 *
 *     sts.example.net        SOA NS
 *     ns1                    A AAAA
 *     id1                    A AAAA CAA
 *     _mta-sts.id1           TXT
 *     _smtp._tls.id1         TXT      (_tls.id1 is an empty non-terminal)
 *     alias                  CNAME id1
 *     dangling               CNAME nothing (not there)
 *     out                    CNAME www.example.org
 *     loop                   CNAME loop
 *     big                    TXT, 8 records of 200 bytes
 */
#pragma once

#include "proto/dns_source.h"

#define DNS_MEMORY_SERIAL 7u

/*
 * The source; valid until the program ends. Its journal has one step, from
 * serial 6 to 7: id0 A deleted, id1 A added.
 */
const struct dns_source *dns_memory_source(void);

/* The serial it shows from now on; walks at another serial say ST_AGAIN. */
void dns_memory_set_serial(uint32_t serial);

/* While true every call says ST_TEMP. */
void dns_memory_set_broken(bool broken);
