/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_server: answers the questions that come over a listening unix socket,
 * several at a time: one thread each, so that a slow name server of one
 * customer holds nobody else up.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "check/probe.h"

#define PROBE_THREADS 8

/*
 * Works until stop_fd becomes readable. Both descriptors are borrowed.
 * Statuses as probe_open.
 */
enum status probe_server_run(const struct probe_options *o, int listen_fd,
	int stop_fd, struct err *e);
