import { tinyGguf } from './gguf.ts';

/** Models that llama.cpp loads and makes contexts of, too small to say anything: one for each way of keeping tokens. */

const [width, feedForward] = [256, 512];
/** Those that llama.cpp looks for, a byte each. */
const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
const tokens = ['<unk>', '<s>', '</s>', ...bytes];
const vocabulary = { 'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.tokens': tokens };

interface Plan {
  architecture: string;
  layers: number;
  keys: Record<string, number | number[]>;
  /** Tensors of a layer, without those that all have. */
  tensors: (layer: number) => Record<string, number[]>;
}

function model({ architecture, layers, keys, tensors }: Plan): Buffer {
  const own = {
    block_count: layers,
    'attention.layer_norm_rms_epsilon': 1e-5,
    ...keys,
  };
  const all: Record<string, number[]> = {
    'token_embd.weight': [width, tokens.length],
    'output_norm.weight': [width],
  };
  for (let layer = 0; layer < layers; layer++) {
    const ofLayer = {
      'attn_norm.weight': [width],
      'ffn_norm.weight': [width],
      'ffn_gate.weight': [width, feedForward],
      'ffn_down.weight': [feedForward, width],
      'ffn_up.weight': [width, feedForward],
      ...tensors(layer),
    };
    for (const [name, shape] of Object.entries(ofLayer)) all[`blk.${layer}.${name}`] = shape;
  }
  const metadata = Object.entries(own).map(([name, value]) => [`${architecture}.${name}`, value] as const);
  return tinyGguf({
    architecture,
    quantization: 'F32',
    contextLength: 32_768,
    metadata: { ...vocabulary, ...Object.fromEntries(metadata) },
    tensors: all,
  });
}

/** OpenELM: other heads in every layer. */
export function headsByLayer(): Buffer {
  const [heads, kvHeads, length] = [[4, 4, 4], [4, 2, 1], 64];
  return model({
    architecture: 'openelm',
    layers: 3,
    keys: {
      'attention.head_count': heads,
      'attention.head_count_kv': kvHeads,
      feed_forward_length: [feedForward, feedForward, feedForward],
    },
    tensors: (layer) => ({
      'attn_qkv.weight': [width, (heads[layer]! + 2 * kvHeads[layer]!) * length],
      'attn_q_norm.weight': [length],
      'attn_k_norm.weight': [length],
      'attn_output.weight': [heads[layer]! * length, width],
    }),
  });
}

/** DeepSeek V2: latent attention, keys of which are a vector of rank 128 and 32 elements that turn. */
export function latentAttention(): Buffer {
  const [heads, rank, turning, still, values] = [4, 128, 32, 64, 64];
  return model({
    architecture: 'deepseek2',
    layers: 2,
    keys: {
      'attention.head_count': heads,
      'attention.head_count_kv': 1,
      'attention.q_lora_rank': 0,
      'attention.kv_lora_rank': rank,
      'attention.key_length': rank + turning,
      'attention.value_length': rank,
      'attention.key_length_mla': still + turning,
      'attention.value_length_mla': values,
      'rope.dimension_count': turning,
      leading_dense_block_count: 2,
      expert_feed_forward_length: feedForward,
      expert_shared_count: 0,
      expert_weights_scale: 2.5,
    },
    tensors: () => ({
      'attn_q.weight': [width, heads * (still + turning)],
      'attn_kv_a_norm.weight': [rank],
      'attn_kv_a_mqa.weight': [width, rank + turning],
      'attn_k_b.weight': [still, rank, heads],
      'attn_v_b.weight': [rank, values, heads],
      'attn_output.weight': [heads * values, width],
    }),
  });
}

/** Jamba: Mamba's states in all layers but one. */
export function mostlyRecurrent(): Buffer {
  const [kvHeads, length, inner, state, rank, kernel] = [[0, 2, 0], 64, 2 * width, 16, 16, 4];
  const attention = (kv: number) => ({
    'attn_q.weight': [width, width],
    'attn_k.weight': [width, kv * length],
    'attn_v.weight': [width, kv * length],
    'attn_output.weight': [width, width],
  });
  const recurrence = {
    'ssm_in.weight': [width, 2 * inner],
    'ssm_conv1d.weight': [kernel, inner],
    'ssm_conv1d.bias': [inner],
    'ssm_x.weight': [inner, rank + 2 * state],
    'ssm_dt_norm.weight': [rank],
    'ssm_dt.weight': [rank, inner],
    'ssm_dt.bias': [inner],
    'ssm_b_norm.weight': [state],
    'ssm_c_norm.weight': [state],
    ssm_a: [state, inner],
    ssm_d: [inner],
    'ssm_out.weight': [inner, width],
  };
  return model({
    architecture: 'jamba',
    layers: 3,
    keys: {
      'attention.head_count': 4,
      'attention.head_count_kv': kvHeads,
      'ssm.conv_kernel': kernel,
      'ssm.inner_size': inner,
      'ssm.state_size': state,
      'ssm.time_step_rank': rank,
    },
    tensors: (layer) => (kvHeads[layer] === 0 ? recurrence : attention(kvHeads[layer]!)),
  });
}
