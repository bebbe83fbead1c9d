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
      \ "\<\%(input\|input_images\|input_images_sized\|input_rgb_image\|input_rgb_image_sized\)_\=\>"
syntax match archLayer
      \ "\<\%(adaptive_avg_pool\|adaptive_max_pool\|affine\|attention\|avg_pool\|avg_pool_everything
      \\|batch_norm\|bn_con\|bn_fc\|channel_shuffle\|channels_first\|channels_last\|chunk\|class_token
      \\|clipped_relu\|con\|cont\|darknet_reorg\|depthwise\|dropout\|dropout_10\|dropout_rate\|elu\|fc
      \\|fc_no_bias\|flatten\|gelu\|group_norm\|hardsigmoid\|hardswish\|htan\|identity\|l2_norm_scaled
      \\|l2normalize\|layer_norm\|layer_norm_last\|layer_scale\|leaky_relu\|linear\|loss_binary_hinge
      \\|loss_binary_log\|loss_binary_log_per_pixel\|loss_mean_squared\|loss_mean_squared_multioutput
      \\|loss_mean_squared_per_pixel\|loss_multibinary_log\|loss_multiclass_log
      \\|loss_multiclass_log_per_pixel\|lrn\|max_pool\|max_pool_everything\|mish\|multiply
      \\|position_embedding\|prelu\|relu\|relu6\|reorg\|samples\|select\|sig\|sigmoid\|silu\|smelu\|softmax
      \\|softmax_all\|softplus\|stochastic_depth\|tanh\|token\|tokens\|upsample\|upsample_nearest
      \\|yolo_grid\)_\=\>"
syntax match archCombinator
      \ "\<\%(add_layer\|add_loss_layer\|add_prev\|add_prev1\|add_prev10\|add_prev2\|add_prev3\|add_prev4
      \\|add_prev5\|add_prev6\|add_prev7\|add_prev8\|add_prev9\|add_skip_layer\|add_tag_layer\|anchors
      \\|aside\|at\|branch\|coarser\|compose\|concat2\|concat3\|concat4\|concat5\|concat_tags\|default_boxes
      \\|dense\|detect\|each\|fcos\|feature_maps\|fpn\|frozen\|inception2\|inception3\|inception4\|inception5
      \\|keypoints\|masks\|mult_prev\|mult_prev1\|mult_prev10\|mult_prev2\|mult_prev3\|mult_prev4
      \\|mult_prev5\|mult_prev6\|mult_prev7\|mult_prev8\|mult_prev9\|outputs\|parallel\|region_proposals
      \\|repeat\|residual\|resize_prev_to_tagged\|resize_prev_to_tagged1\|resize_prev_to_tagged10
      \\|resize_prev_to_tagged2\|resize_prev_to_tagged3\|resize_prev_to_tagged4
      \\|resize_prev_to_tagged5\|resize_prev_to_tagged6\|resize_prev_to_tagged7
      \\|resize_prev_to_tagged8\|resize_prev_to_tagged9\|resize_to\|retinanet\|roi_align\|roi_pool\|rpn
      \\|scale\|scale_prev\|scale_prev1\|scale_prev10\|scale_prev2\|scale_prev3\|scale_prev4\|scale_prev5
      \\|scale_prev6\|scale_prev7\|scale_prev8\|scale_prev9\|skip1\|skip10\|skip2\|skip3\|skip4\|skip5\|skip6
      \\|skip7\|skip8\|skip9\|ssd\|ssd_level\|svm_detect\|tag1\|tag10\|tag2\|tag3\|tag4\|tag5\|tag6\|tag7\|tag8
      \\|tag9\|tap\|warp\|when\|yolo_v1\|yolo_v2\|yolo_v3\)_\=\>"
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
