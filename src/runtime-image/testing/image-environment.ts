/** What ../Dockerfile sets for every variant. */
export const imageEnvironment = {
  HOME: '/tmp',
  NODE_ENV: 'production',
  NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true',
  UV_THREADPOOL_SIZE: '1',
};
