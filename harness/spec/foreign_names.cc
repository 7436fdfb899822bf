#include "harness/spec/foreign_names.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace sft::spec {
namespace {

// Names that have one remedy, separated by spaces.
struct KeyRow {
  std::string_view names;
  std::string_view remedy;
};
struct ValueRow {
  std::string_view field;
  std::string_view names;
  std::string_view remedy;
};

constexpr KeyRow kKeys[] = {
    // What is trained.
    {"model_name_or_path model_name base_model base_model_name_or_path "
     "pretrained_model_name_or_path pretrained model_id model_path "
     "pretrained_model",
     "here it is model: at the top, a folder, a .gguf file or a name of "
     "'sftbench list models'"},
    {"tokenizer tokenizer_name tokenizer_name_or_path tokenizer_path "
     "use_fast_tokenizer",
     "leave it out: the tokenizer is the model folder's own"},
    {"chat_template template template_name conversation_template",
     "leave it out: the template is the model folder's own, and prompt_form: "
     "chat uses it"},
    {"trust_remote_code revision use_auth_token token hf_token cache_dir",
     "leave it out: nothing is downloaded, and no code of a model folder is "
     "run"},
    {"dataset datasets dataset_name dataset_path train_dataset train_datasets "
     "train_data train_file train_files training_data data_path data_files "
     "data_file dataset_mixer",
     "here data sets are named by train: [NAME] at the top; a file of your own "
     "becomes one under data:"},
    {"eval_dataset eval_datasets eval_data validation_file validation_data "
     "val_file test_file test_dataset test_data val_set_size",
     "here tasks are named by evaluate: {tasks: [NAME]}; files of your own "
     "stand under data: as validation: and test:, or split: [0.8, 0.1, 0.1]"},
    {"tasks eval_tasks evaluation", "here it is evaluate: {tasks: [NAME]}"},
    {"retained forgetting", "here it is evaluate: {retain: [NAME]}"},
    {"dataset_text_field text_field text_column text_col label_column "
     "label_col prompt_column response_column input_column",
     "here it is columns: under data:, such as columns: {text: review, label: "
     "stars}"},
    {"prompt_template prompt instruction_template response_template "
     "formatting_func",
     "here it is template: under data:, columns in braces"},
    // Methods.
    {"methods algorithm finetuning_type finetune_type finetuning_method "
     "training_type tuning_method",
     "here it is method: under grid:, such as method: [full, lora]"},
    {"adapter adapters peft use_peft peft_type peft_config use_lora lora "
     "lora_config",
     "here it is method: lora, and each option in one word: lora.rank: 16"},
    {"qlora use_qlora load_in_4bit use_4bit quantization quantize "
     "quantization_bit quantization_config bnb_config bits",
     "here it is method: qlora (weights in NF4)"},
    {"load_in_8bit use_8bit",
     "weights in 8 bits are not there; method: qlora holds them in 4"},
    {"bnb_4bit_quant_type", "leave it out: method: qlora is NF4"},
    {"bnb_4bit_use_double_quant double_quant double_quantization "
     "use_nested_quant",
     "here it is qlora.double_quant"},
    {"lora_r lora.r r rank lora_rank lora_dim", "here it is lora.rank"},
    {"lora_alpha alpha", "here it is lora.alpha (the scale is alpha / rank)"},
    {"lora_dropout dropout", "here it is lora.dropout"},
    {"target_modules lora_target_modules lora_target lora_targets targets "
     "lora_target_linear",
     "here it is lora.targets, all-linear or a list such as [q_proj, v_proj]"},
    {"use_dora dora", "here it is lora.dora: true"},
    {"use_rslora rslora", "here it is lora.rslora: true"},
    {"init_lora_weights lora_init", "here it is lora.init: kaiming or pissa"},
    {"loraplus_lr_ratio loraplus_ratio lora_plus lora_plus_ratio "
     "loraplus_lr_embedding",
     "here it is lora.lora_plus_ratio"},
    {"modules_to_save rank_pattern alpha_pattern lora_bias layers_to_transform "
     "fan_in_fan_out",
     "not there for training: adapters stand at linear maps, one rank for all"},
    {"hft_ratio trainable_ratio freeze_ratio freeze_trainable_layers",
     "here it is hft.trainable_ratio, with method: hft"},
    // Batches.
    {"per_device_train_batch_size per_gpu_train_batch_size train_batch_size "
     "train_micro_batch_size_per_gpu micro_batch_size "
     "micro_batch_size_per_gpu device_batch_size mini_batch_size bs batch "
     "batchsize",
     "here it is batch_size: rows or packs a micro-batch"},
    {"global_batch_size total_batch_size effective_batch_size",
     "here it is batch_size times gradient_accumulation_steps"},
    {"per_device_eval_batch_size per_gpu_eval_batch_size eval_batch_size",
     "leave it out: an evaluation cuts its own batches"},
    {"gradient_accumulation grad_accum grad_accumulation_steps gas "
     "accumulate_grad_batches accumulation_steps "
     "gradient_accumulation_batches",
     "here it is gradient_accumulation_steps"},
    {"max_seq_length max_seq_len max_sequence_length seq_length seq_len "
     "sequence_len sequence_length cutoff_len model_max_length block_size "
     "context_length max_tokens max_len max_position_embeddings",
     "here it is max_length: tokens a row or pack"},
    {"packing pack packed sample_packing eval_packing neat_packing",
     "here it is batching: packed, of 'sftbench list methods'"},
    {"padding_free", "here it is batching: padding_free"},
    {"padding pad pad_to_max_length pad_to_multiple_of pad_to",
     "here it is batching: padded, with pad.pad_to: longest or max"},
    {"group_by_length length_grouped", "here it is pad.order: bucketed"},
    {"packing_strategy pack_strategy", "here it is pack.strategy"},
    // Budget.
    {"num_train_epochs num_epochs epochs max_epochs n_epochs epoch",
     "here it is budget: {epochs: 3} at the top"},
    {"max_steps num_steps max_train_steps num_train_steps train_steps "
     "total_steps steps iterations iters max_iters",
     "here it is budget: {steps: 100} at the top"},
    {"target_tokens train_tokens",
     "here it is budget: {target_tokens: 1000} "
     "at the top"},
    {"wall_seconds max_seconds max_time time_limit max_hours",
     "here it is budget: {wall_seconds: 600} at the top"},
    // Optimizer.
    {"lr base_lr init_lr learningrate eta", "here it is learning_rate"},
    {"lr_scheduler_type lr_scheduler lr_schedule lr_decay_style scheduler "
     "scheduler_type",
     "here it is schedule: cosine, linear or constant"},
    {"lr_scheduler_kwargs min_lr min_lr_ratio min_learning_rate num_cycles",
     "not there: cosine and linear end at 0"},
    {"warmup_steps num_warmup_steps warmup warmup_iters lr_warmup_steps "
     "warmup_fraction",
     "here it is warmup_ratio, a share of the steps"},
    {"optim optim_args optimizer_type opt",
     "here it is optimizer, of 'sftbench list optimizers'"},
    {"adam_beta1", "here it is beta1"},
    {"adam_beta2", "here it is beta2"},
    {"betas adam_betas", "here they are beta1 and beta2"},
    {"adam_epsilon eps adam_eps", "here it is epsilon"},
    {"wd decay adam_weight_decay", "here it is weight_decay"},
    {"grad_clip gradient_clipping clip_grad_norm gradient_clip_val "
     "max_norm clip_grad max_gradient_norm",
     "here it is max_grad_norm"},
    {"early_stopping early_stopping_patience load_best_model_at_end",
     "not there: a run spends its whole budget; eval_every_steps records the "
     "validation loss on the way"},
    // Arithmetic.
    {"fp16 float16 half fp16_full_eval",
     "f16 is not there; here it is dtype: bf16 (with f32 master weights) or "
     "f32"},
    {"bf16 bfloat16 pure_bf16 bf16_full_eval", "here it is dtype: bf16"},
    {"fp32 tf32 float32", "here it is dtype: f32"},
    {"torch_dtype precision mixed_precision compute_dtype data_type "
     "bnb_4bit_compute_dtype",
     "here it is dtype: f32, bf16 or f64"},
    {"gradient_checkpointing grad_checkpointing activation_checkpoint "
     "gradient_checkpointing_kwargs use_gradient_checkpointing recompute",
     "here it is activation_checkpointing: true"},
    {"gpu use_gpu cuda use_cuda device_map no_cuda use_cpu accelerator",
     "here it is device: cpu or cuda"},
    {"gpus num_gpus n_gpu devices nproc_per_node world_size local_rank "
     "deepspeed fsdp fsdp_config ddp tensor_parallel num_nodes "
     "ddp_find_unused_parameters",
     "not there: a run is one process on one device"},
    {"num_threads n_threads num_workers dataloader_num_workers "
     "preprocessing_num_workers dataset_num_proc num_proc",
     "here it is threads: CPU threads of one run"},
    {"attn_implementation flash_attention flash_attn use_flash_attention "
     "use_flash_attention_2 torch_compile use_cache use_liger_kernel",
     "leave it out: one implementation, the fastest that gives the same "
     "numbers"},
    // Rows.
    {"train_on_inputs train_on_prompt mask_prompt mask_inputs "
     "completion_only_loss train_on_source loss_on_prompts",
     "here it is loss_on_prompt: 0 (loss on answers only) or 1"},
    {"assistant_only_loss mask_history train_on_responses_only",
     "here it is loss_on: last or all_assistant"},
    {"system system_message default_system system_prompts",
     "here it is system_prompt"},
    {"max_train_samples train_samples num_train_samples max_samples n_train "
     "num_samples sample_size train_size",
     "here it is train_limit: training rows"},
    {"max_eval_samples max_test_samples max_predict_samples limit test_size "
     "eval_limit",
     "here it is test_limit: test rows, or validation_limit"},
    {"neftune_noise_alpha neftune noise_alpha", "here it is neftune_alpha"},
    // The run itself.
    {"output_dir out out_dir output save_dir output_path results_dir",
     "records go where 'sftbench run SPEC --out DIR' says"},
    {"logging_steps logging_dir logging_strategy log_level report_to "
     "run_name wandb wandb_project tensorboard verbose disable_tqdm "
     "log_interval",
     "leave it out: every step of a run is in its record"},
    {"save_steps save_strategy save_total_limit save_only_model "
     "save_safetensors checkpointing_steps save_interval",
     "checkpoints are by 'sftbench run --checkpoint-every 2m'"},
    {"resume_from_checkpoint resume overwrite_output_dir",
     "leave it out: the same command continues a sweep"},
    {"evaluation_strategy eval_strategy eval_steps eval_interval val_interval",
     "here it is eval_every_steps"},
    {"metric metrics metric_for_best_model compute_metrics "
     "greater_is_better",
     "here metrics are the task's own (or metrics: under data:); the one that "
     "chooses is select: {by: validation_loss, per: [method]}"},
    {"do_train do_eval do_predict stage task_type push_to_hub hub_model_id "
     "remove_unused_columns label_names",
     "leave it out: a run trains and evaluates"},
    {"seeds random_seed data_seed random_state",
     "here it is seed, an axis under grid: seed: [0, 1, 2]"},
    {"title name description hypothesis experiment experiment_name "
     "project",
     "here it is question: what the sweep is to answer"},
    {"sweep matrix axes space search_space parameters hparams "
     "hyperparameters hyper_parameters",
     "here axes stand under grid:, fixed values under set:"},
    {"fixed defaults default common config training training_args "
     "training_arguments train_args args trainer optimizer_config params",
     "here fixed values stand under set:"},
    {"overrides override when conditions conditional if per_method",
     "here it is cases: [{when: {method: [lora]}, set: {learning_rate: "
     "2.0e-4}}]"},
    {"compare_to reference compare control",
     "here it is baseline: {method: "
     "full}"},
};

constexpr char kNoSuchMethod[] =
    "not there; 'sftbench list methods' shows what is";

constexpr ValueRow kValues[] = {
    {"method", "dora", "here it is method: lora with lora.dora: true"},
    {"method", "qdora", "here it is method: qlora with lora.dora: true"},
    {"method", "pissa", "here it is method: lora with lora.init: pissa"},
    {"method", "qpissa", "here it is method: qlora with lora.init: pissa"},
    {"method", "rslora rs_lora",
     "here it is method: lora with lora.rslora: true"},
    {"method", "lora+ loraplus lora_plus",
     "here it is method: lora with lora.lora_plus_ratio: 16"},
    {"method", "qlora4 lora4 lora_4bit qlora_4bit nf4",
     "here it is method: qlora"},
    {"method", "peft adapter adapters low_rank", "here it is method: lora"},
    {"method",
     "sft finetune finetuning fine_tune fine_tuning full_ft fft fullft "
     "full_finetune full_finetuning full_fine_tuning all all_parameters "
     "vanilla",
     "here it is method: full"},
    {"method", "half half_ft half_finetuning freeze hft_category",
     "here it is method: hft (hft.granularity, hft.trainable_ratio)"},
    {"method", "none base zero_shot zeroshot baseline pretrained",
     "the untuned model is added by itself; leave it out"},
    {"method",
     "adalora olora loftq vera ia3 prefix prefix_tuning prompt_tuning "
     "p_tuning ptuning loha lokr lora_fa lorafa oft boft fourierft galore "
     "q_galore lisa badam bitfit linear_probe head last_layer bottleneck "
     "eva corda moslora mos lora_ga",
     kNoSuchMethod},
    {"method", "dpo orpo kto ppo grpo rlhf simpo cpo rloo rm reward",
     "no supervised fine-tuning, and is not there"},
    {"batching", "packing pack sample_packing bfd ffd first_fit best_fit",
     "here it is batching: packed, with pack.strategy"},
    {"batching", "padding pad none default standard dynamic max longest",
     "here it is batching: padded"},
    {"batching",
     "flat varlen unpadded no_padding flash flattening "
     "paddingfree",
     "here it is batching: padding_free"},
    {"batching", "bucketed group_by_length bucketing",
     "here it is batching: padded with pad.order: bucketed"},
    {"optimizer",
     "adam adamw_torch adamw_torch_fused adamw_hf adamw_apex "
     "adamw_fused",
     "here it is optimizer: adamw"},
    {"optimizer",
     "adamw_bnb_8bit adamw8bit adam_8bit adam8bit "
     "paged_adamw_8bit",
     "here it is optimizer: adamw_8bit"},
    {"optimizer", "paged_adamw paged_adamw_32bit",
     "here it is optimizer: adamw_paged"},
    {"optimizer", "sgd adafactor lion muon lamb rmsprop adagrad sophia",
     "not there: AdamW is, and what 'sftbench list optimizers' shows"},
    {"dtype", "fp16 float16 half f16 16",
     "not there; dtype: bf16 keeps f32 master weights"},
    {"dtype", "bfloat16 bf16_mixed", "here it is dtype: bf16"},
    {"dtype", "float32 fp32 float full tf32 32", "here it is dtype: f32"},
    {"dtype", "float64 fp64 double 64", "here it is dtype: f64"},
    {"dtype", "int4 4bit nf4 int8 8bit fp8 fp4",
     "no compute dtype; weights in 4 bits are method: qlora"},
    {"dtype", "auto", "not there: say dtype: f32 or bf16"},
    {"device", "gpu cuda:0 nvidia auto", "here it is device: cuda"},
    {"device", "cuda:1 cuda:2 cuda:3",
     "here it is device: cuda, with CUDA_VISIBLE_DEVICES set to the card"},
    {"device", "mps metal rocm xpu tpu hpu npu",
     "not there; device: cpu runs everywhere"},
    {"schedule", "constant_with_warmup",
     "here it is schedule: constant with "
     "warmup_ratio"},
    {"schedule", "cosine_with_restarts cosine_annealing cosine_with_min_lr",
     "not there; schedule: cosine ends at 0"},
    {"schedule",
     "polynomial inverse_sqrt wsd warmup_stable_decay exponential "
     "step reduce_lr_on_plateau",
     "not there"},
    {"schedule", "none fixed", "here it is schedule: constant"},
    {"prompt_form",
     "chatml llama llama3 instruct template default "
     "conversation sharegpt",
     "here it is prompt_form: chat (the model's own template)"},
    {"prompt_form", "alpaca vicuna text raw completion none",
     "here it is prompt_form: plain; the words are template: under data:"},
    {"loss_on", "all assistant all_turns every",
     "here it is loss_on: all_assistant"},
    {"loss_on", "answer completion response last_turn final",
     "here it is loss_on: last"},
    {"lora.init", "gaussian true default lora",
     "here it is lora.init: kaiming (or "
     "pissa)"},
    {"lora.init",
     "olora eva loftq corda pissa_niter_4 pissa_niter_16 "
     "orthogonal",
     "not there: kaiming or pissa"},
};

std::string Plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '-' || c == ' '
               ? '_'
               : static_cast<char>(std::tolower(static_cast<uint8_t>(c)));
  }
  return out;
}

bool Names(std::string_view names, const std::string& name) {
  size_t begin = 0;
  while (begin < names.size()) {
    const size_t end = std::min(names.find(' ', begin), names.size());
    if (names.substr(begin, end - begin) == name) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::string RemedyForKey(std::string_view key) {
  const std::string name = Plain(key);
  for (const KeyRow& row : kKeys) {
    if (Names(row.names, name)) return std::string(row.remedy);
  }
  return "";
}

std::string RemedyForValue(std::string_view field, std::string_view value) {
  const std::string name = Plain(value);
  for (const ValueRow& row : kValues) {
    if (row.field == field && Names(row.names, name)) {
      return std::string(row.remedy);
    }
  }
  return "";
}

}  // namespace sft::spec
