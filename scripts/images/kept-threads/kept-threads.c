/*
 * A backend of ggml for CPUs whose threads stay from one computation to the next. ggml makes them anew for each where
 * nobody gives it a pool, and node-llama-cpp does not: docs/adr/0035-threads-that-stay.md says what that costs.
 *
 * ggml loads the library of the highest score among libggml-cpu-*.so. This one scores above all others beside it, hands out
 * the best of them, and computes nothing itself.
 */
/* For dladdr. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ggml-backend-impl.h"
#include "ggml-cpu.h"

/* What the best library does where this one steps in. */
static struct {
    void * (*get_proc_address)(ggml_backend_reg_t, const char *);
    enum ggml_status (*graph_compute)(ggml_backend_t, struct ggml_cgraph *);
    ggml_backend_set_n_threads_t set_n_threads;
    void (*set_threadpool)(ggml_backend_t, ggml_threadpool_t);
    ggml_threadpool_t (*threadpool_new)(struct ggml_threadpool_params *);
} theirs;

/* One pool for all contexts of the process: two would wait for work on the same cores. It computes one graph at a time. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static ggml_threadpool_t pool;

static enum ggml_status graph_compute(ggml_backend_t backend, struct ggml_cgraph * graph) {
    pthread_mutex_lock(&pool_lock);
    const enum ggml_status status = theirs.graph_compute(backend, graph);
    pthread_mutex_unlock(&pool_lock);
    return status;
}

/* llama.cpp says before each computation how many threads it takes. The first that takes several makes the pool. */
static void set_n_threads(ggml_backend_t backend, int n_threads) {
    theirs.set_n_threads(backend, n_threads);
    pthread_mutex_lock(&pool_lock);
    if (pool == NULL && n_threads > 1) {
        /* 50 is the default of ggml and of llama-server: some 200 ms of looking out for work before they sleep. */
        struct ggml_threadpool_params params = { .n_threads = n_threads, .prio = GGML_SCHED_PRIO_NORMAL, .poll = 50 };
        pool = theirs.threadpool_new(&params);
    }
    if (pool != NULL && backend->iface.graph_compute != graph_compute) {
        theirs.graph_compute = backend->iface.graph_compute;
        theirs.set_threadpool(backend, pool);
        backend->iface.graph_compute = graph_compute;
    }
    pthread_mutex_unlock(&pool_lock);
}

/* llama.cpp gives each backend the pool of its context, which is none here. */
static void set_threadpool(ggml_backend_t backend, ggml_threadpool_t given) {
    if (given != NULL) theirs.set_threadpool(backend, given);
}

static void * get_proc_address(ggml_backend_reg_t reg, const char * name) {
    if (strcmp(name, "ggml_backend_set_n_threads") == 0) return (void *) set_n_threads;
    if (strcmp(name, "ggml_backend_cpu_set_threadpool") == 0) return (void *) set_threadpool;
    return theirs.get_proc_address(reg, name);
}

struct candidate {
    void * handle;
    int score;
};

static struct candidate load(const char * path) {
    struct candidate loaded = { dlopen(path, RTLD_NOW | RTLD_LOCAL), 0 };
    if (loaded.handle == NULL) return loaded;
    ggml_backend_score_t score = (ggml_backend_score_t) dlsym(loaded.handle, "ggml_backend_score");
    if (score != NULL) loaded.score = score();
    return loaded;
}

/* Among those beside this library; no handle where none of them runs on this machine. */
static struct candidate best(void) {
    struct candidate found = { NULL, 0 };
    Dl_info own;
    if (dladdr((void *) best, &own) == 0) return found;
    const char * slash = strrchr(own.dli_fname, '/');
    if (slash == NULL) return found;
    const char * own_name = slash + 1;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int) (slash - own.dli_fname), own.dli_fname);
    DIR * listing = opendir(folder);
    if (listing == NULL) return found;
    for (struct dirent * entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        const char * extension = strrchr(entry->d_name, '.');
        if (strncmp(entry->d_name, "libggml-cpu-", strlen("libggml-cpu-")) != 0) continue;
        if (extension == NULL || strcmp(extension, ".so") != 0) continue;
        if (strcmp(entry->d_name, own_name) == 0) continue;
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int) sizeof path) continue;
        struct candidate next = load(path);
        const bool better = next.score > found.score;
        void * other = better ? found.handle : next.handle;
        if (better) found = next;
        if (other != NULL) dlclose(other);
    }
    closedir(listing);
    return found;
}

GGML_BACKEND_API int ggml_backend_score(void) {
    struct candidate found = best();
    if (found.handle == NULL) return 0;
    dlclose(found.handle);
    return INT_MAX;
}

GGML_BACKEND_API ggml_backend_reg_t ggml_backend_init(void) {
    struct candidate found = best();
    if (found.handle == NULL) return NULL;
    ggml_backend_init_t init = (ggml_backend_init_t) dlsym(found.handle, "ggml_backend_init");
    ggml_backend_reg_t reg = init == NULL ? NULL : init();
    if (reg == NULL) return NULL;
    theirs.get_proc_address = reg->iface.get_proc_address;
    theirs.set_n_threads = (ggml_backend_set_n_threads_t) theirs.get_proc_address(reg, "ggml_backend_set_n_threads");
    theirs.set_threadpool = (void (*)(ggml_backend_t, ggml_threadpool_t)) theirs.get_proc_address(reg, "ggml_backend_cpu_set_threadpool");
    theirs.threadpool_new = (ggml_threadpool_t (*)(struct ggml_threadpool_params *)) theirs.get_proc_address(reg, "ggml_threadpool_new");
    if (theirs.set_n_threads != NULL && theirs.set_threadpool != NULL && theirs.threadpool_new != NULL)
        reg->iface.get_proc_address = get_proc_address;
    return reg;
}
