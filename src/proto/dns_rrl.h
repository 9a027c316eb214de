/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_rrl: response rate limiting over UDP, so that forged source addresses
 * turn us into no amplifier. One token bucket per client network (/24, /56) and
 * kind of answer, in a table of fixed size: a flood from everywhere evicts
 * buckets, it costs no memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "proto/dns_answer.h"
#include "proto/ip_net.h"

#define DNS_RRL_V4_BITS (96 + 24)
#define DNS_RRL_V6_BITS 56
#define DNS_RRL_WAYS 4

struct dns_rrl;

enum dns_rrl_verdict {
	DNS_RRL_SEND,
	DNS_RRL_SLIP, /* send a truncated answer instead */
	DNS_RRL_DROP,
};

/*
 * rate answers per second and network of each kind, with a burst of as many;
 * every slip-th answer beyond it is truncated, the others dropped (0: all
 * dropped); errors are never slipped. entries is rounded up to a power of two.
 * seed makes the table's hash unpredictable. NULL when memory is used up.
 */
struct dns_rrl *dns_rrl_new(
	size_t entries, uint32_t rate, uint32_t slip, const uint64_t seed[2]);
void dns_rrl_free(struct dns_rrl **r);

/* Charges one answer to peer's network. */
enum dns_rrl_verdict dns_rrl_check(struct dns_rrl *r,
	const struct ip_addr *peer, enum dns_answer_kind kind, struct mono now);
