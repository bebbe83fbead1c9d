" Vim syntax of .arch files: neural networks as nested layers (archdsl).
if exists("b:current_syntax")
  finish
endif

syntax case match

syntax match archOperator "[-+*/%!]\|[=!<]=\|>=\|&&\|||"
syntax match archBracket "<=\@!\|>"
syntax match archNumber "\<\d\+[uUlL]*\>"
syntax match archFloat "\<\d\+\.\d*\%([eE][-+]\=\d\+\)\=[fF]\=\|\.\d\+\%([eE][-+]\=\d\+\)\=[fF]\=\|\<\d\+[eE][-+]\=\d\+[fF]\="
syntax match archParameter "\<\u[A-Z0-9_]*\>"
syntax match archTemplateUse "\<\h\w*\ze\s*<=\@!"

syntax keyword archBoolean true false
syntax keyword archStorage template typename class
syntax keyword archModifier param const constexpr static inline
syntax keyword archType unsigned signed long short int char float double bool size_t uint8 uint16
syntax keyword archUsing using nextgroup=archNamespace,archDefinition skipwhite skipempty
syntax keyword archNamespace namespace contained
syntax match archDefinition "\<\h\w*\>" contained

" Made by tests/editors/regenerate.py from the catalogue of layers.
" lists: start
syntax match archInput
      \ "\<\%(input\|input_grayscale_image_pyramid\|input_images\|input_images_sized\|input_rgb_image
      \\|input_rgb_image_pair\|input_rgb_image_pyramid\|input_rgb_image_sized\|input_tensor\)_\=\>"
syntax match archLayer
      \ "\<\%(act\|act16\|act4\|adaptive_avg_pool\|adaptive_computation_time\|adaptive_max_pool\|add_constant
      \\|affine\|attention\|avg_pool\|avg_pool_everything\|batch_norm\|bias\|bias_last\|bn_con\|bn_fc
      \\|channel_max\|channel_mean\|channel_shuffle\|channels_first\|channels_last\|chunk\|class_token
      \\|clipped_relu\|con\|cont\|darknet_reorg\|depthwise\|dropout\|dropout_10\|dropout_rate\|elu
      \\|embeddings\|extract\|fc\|fc_no_bias\|flatten\|gelu\|group_norm\|hardsigmoid\|hardswish\|htan
      \\|identity\|instance_norm\|l2_norm_scaled\|l2normalize\|layer_norm\|layer_norm_last\|layer_scale
      \\|layer_scale_last\|leaky_relu\|linear\|linear_no_bias\|log_softmax\|loss_barlow_twins
      \\|loss_binary_hinge\|loss_binary_log\|loss_binary_log_per_pixel\|loss_dot
      \\|loss_epsilon_insensitive\|loss_mean_squared\|loss_mean_squared_multioutput
      \\|loss_mean_squared_per_channel_and_pixel\|loss_mean_squared_per_pixel\|loss_metric
      \\|loss_multibinary_log\|loss_multiclass_log\|loss_multiclass_log_per_pixel
      \\|loss_multiclass_log_per_pixel_weighted\|loss_multiclass_log_weighted
      \\|loss_multimulticlass_log\|loss_ranking\|lrn\|max_pool\|max_pool_everything\|merge_patches\|mish
      \\|multiply\|pad\|pixel_shuffle\|pixel_unshuffle\|position_embedding\|positional_encodings\|prelu
      \\|reflection_pad\|relative_attention\|relu\|relu6\|reorg\|replication_pad\|reshape_to\|resize_to
      \\|rms_norm\|samples\|scale_weights\|select\|sig\|sigmoid\|silu\|slice\|smelu\|softmax\|softmax_all
      \\|softmaxm\|softplus\|spatial_dropout\|stochastic_depth\|tanh\|token\|token_mean\|tokens\|transpose
      \\|tril\|tril_diag\|tril_mask\|upsample\|upsample_nearest\|window_attention\|window_partition
      \\|window_reverse\|yolo_grid\)_\=\>"
syntax match archCombinator
      \ "\<\%(add_layer\|add_loss_layer\|add_prev\|add_prev1\|add_prev10\|add_prev2\|add_prev3\|add_prev4
      \\|add_prev5\|add_prev6\|add_prev7\|add_prev8\|add_prev9\|add_skip_layer\|add_tag_layer\|anchors
      \\|aside\|at\|branch\|coarser\|compose\|concat2\|concat3\|concat4\|concat5\|concat_\|concat_tags
      \\|default_boxes\|dense\|detect\|detector_window\|each\|fcos\|feature_maps\|fpn\|frozen\|inception2
      \\|inception3\|inception4\|inception5\|iskip\|itag0\|itag1\|itag2\|itag3\|itag4\|itag5\|keypoints
      \\|loss_mmod\|loss_yolo\|masks\|mult_prev\|mult_prev1\|mult_prev10\|mult_prev2\|mult_prev3
      \\|mult_prev4\|mult_prev5\|mult_prev6\|mult_prev7\|mult_prev8\|mult_prev9\|multm_prev\|multm_prev1
      \\|multm_prev10\|multm_prev2\|multm_prev3\|multm_prev4\|multm_prev5\|multm_prev6\|multm_prev7
      \\|multm_prev8\|multm_prev9\|offset\|offset_prev\|outputs\|parallel\|pyramid_down\|region_proposals
      \\|repeat\|residual\|resize_like\|resize_prev_to_tagged\|resize_prev_to_tagged1
      \\|resize_prev_to_tagged10\|resize_prev_to_tagged2\|resize_prev_to_tagged3
      \\|resize_prev_to_tagged4\|resize_prev_to_tagged5\|resize_prev_to_tagged6
      \\|resize_prev_to_tagged7\|resize_prev_to_tagged8\|resize_prev_to_tagged9\|retinanet\|roi_align
      \\|roi_pool\|rpn\|scale\|scale1\|scale10\|scale2\|scale3\|scale4\|scale5\|scale6\|scale7\|scale8\|scale9
      \\|scale_prev\|scale_prev1\|scale_prev10\|scale_prev2\|scale_prev3\|scale_prev4\|scale_prev5
      \\|scale_prev6\|scale_prev7\|scale_prev8\|scale_prev9\|scale_tagged\|shared\|skip1\|skip10\|skip2
      \\|skip3\|skip4\|skip5\|skip6\|skip7\|skip8\|skip9\|ssd\|ssd_level\|svm_detect\|tag1\|tag10\|tag2\|tag3
      \\|tag4\|tag5\|tag6\|tag7\|tag8\|tag9\|tap\|warp\|when\|yolo_anchors\|yolo_head\|yolo_labels\|yolo_v1
      \\|yolo_v2\|yolo_v3\|yolo_v4\)_\=\>"
syntax match archPixel
      \ "\<\%(array\|array2d\|bgr_pixel\|hsi_pixel\|lab_pixel\|matrix\|rgb_alpha_pixel\|rgb_pixel\|vector\)_\=\>"
" lists: end

" Behind the lists, since it goes before them: the name of an argument may be that of a layer too.
syntax match archArgument "\<\h\w*\ze\s*==\@!"
syntax match archFunction "\<\h\w*\ze\s*("

syntax match archInclude "#\s*include\>.*$" contains=archIncluded
syntax match archIncluded "\"[^\"]*\"" contained

syntax keyword archTodo TODO FIXME contained
syntax match archFact "\%(^//\s*\)\@<=\l[a-z0-9-]*:\ze\s" contained
syntax match archComment "//.*$" contains=archTodo,archFact,@Spell
syntax region archComment start="/\*" end="\*/" contains=archTodo,@Spell

" Files are nested deeply: comments that span lines are found from the start.
syntax sync fromstart

highlight default link archArgument Identifier
highlight default link archBoolean Boolean
highlight default link archBracket Delimiter
highlight default link archCombinator Statement
highlight default link archComment Comment
highlight default link archDefinition Function
highlight default link archFact SpecialComment
highlight default link archFloat Float
highlight default link archFunction Function
highlight default link archInclude Include
highlight default link archIncluded String
highlight default link archInput Special
highlight default link archLayer Type
highlight default link archModifier StorageClass
highlight default link archNamespace Keyword
highlight default link archNumber Number
highlight default link archOperator Operator
highlight default link archParameter Constant
highlight default link archPixel Type
highlight default link archStorage Structure
highlight default link archTemplateUse Function
highlight default link archTodo Todo
highlight default link archType Type
highlight default link archUsing Keyword

let b:current_syntax = "arch"
