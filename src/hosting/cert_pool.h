/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_pool: threads that work on orders, so that a certificate authority or a
 * customer's name server that is slow holds up one order and not the others.
 * Each has its own store, client and account in its cert_env.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct cert_env;
struct cert_pool;

/* Starts n threads, one for each of envs, which must outlive the pool. */
struct cert_pool *cert_pool_start(struct cert_env *envs, size_t n);

/*
 * Asks for work on the order of that id (empty: on renewals). Asking for what
 * waits already or is being worked on does nothing; when too much waits, the
 * request is dropped: whoever asks, asks again.
 */
void cert_pool_ask(struct cert_pool *p, struct str order_id);

/* Waits until each thread has finished its piece of work; clears *p. */
void cert_pool_stop(struct cert_pool **p);
